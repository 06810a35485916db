import type { Subscriber } from './subscriber.ts'
import type { Credentials } from './opening.ts'

/** How a stream is carried, as far as its end is concerned. */
export interface Carrier {
  /** After what was written: tell the client that this is the end, and why. */
  end(code: number, reason: string): void
  /** At once. */
  cut(): void
  /** WebSocket: ping, and cut who did not answer the last one. SSE: a comment. */
  beat(): void
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>
}

/** One open stream. */
export interface Connection {
  readonly subscriber: Subscriber
  readonly carrier: Carrier
  /** Replaced by a refreshed token. */
  credentials: Credentials
  /** Aborts when the connection is gone. */
  readonly gone: AbortController
}

/** Close codes of WebSocket (RFC 6455, 7.4). */
export const closeCodes = { goingAway: 1001, policy: 1008, internal: 1011 } as const
