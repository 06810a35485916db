import type { Readable } from 'node:stream'

/** What goes back: built whole by a route, sent once by the server. */
export interface HttpAnswer {
  readonly status: number
  /** Content-Type; none for an empty body. */
  readonly type?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array | Readable
}

export const jsonType = 'application/json; charset=utf-8'

export function jsonAnswer(value: unknown, status = 200): HttpAnswer {
  return { status, type: jsonType, body: JSON.stringify(value) }
}
