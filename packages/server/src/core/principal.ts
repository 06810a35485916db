/** `write` sends, `read` asks, `admin` does both and everything else. */
export type Scope = 'write' | 'read' | 'admin'

/** Whose request this is. The project comes from the key alone; nothing in a body can change it. */
export interface Principal {
  readonly project: string
  readonly scope: Scope
  /** The key's public name, safe to log; `''` when `auth: open` let the request in without one. */
  readonly keyId: string
}

/** What a request shows of itself. */
export interface Credentials {
  /** The secret as sent, wherever the dialect puts it; absent when none was sent. Never logged. */
  readonly key?: string
  /** The `Origin` header of a browser's request. */
  readonly origin?: string
  /** What the caller wants to do: a source asks for `write`, the API for `read` or `admin`. */
  readonly scope: Scope
}

/**
 * Synchronous, on the hot path: it looks into a snapshot of the keys and does no I/O.
 * MUST throw PipelineError `unauthorized` (no key, an unknown or a revoked one) or `forbidden` (a known key whose scope does not
 * allow this, or whose project lists origins without this one). MUST NOT put the key into the error.
 *
 * A source calls it once per request: before decoding when the key is in headers or query; after decoding, with
 * `DecodedBatch.writeKey`, when only the body can hold it. The header wins over the body.
 */
export type Authenticate = (credentials: Credentials) => Principal
