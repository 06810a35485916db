import { ask, eventually, getJson } from './instance.ts'

/** The answer of Millrace's own routes and Segment's (docs/guide/sending.md). */
export interface Answer {
  readonly success: boolean
  readonly stored: number
  readonly duplicate: number
  readonly dropped: number
  readonly quarantined: number
  readonly receipts: readonly Receipt[]
}

export interface Receipt {
  readonly index: number
  readonly id: string
  readonly outcome: string
  readonly reason?: string
  readonly issues?: readonly string[]
}

export interface Ledger {
  readonly rows: readonly { minute: string; source: string; outcome: string; reason: string; events: number }[]
  readonly sums: Readonly<Record<'received' | 'stored' | 'duplicate' | 'dropped' | 'quarantined', number>>
  readonly in_flight: number
  readonly balanced: boolean
}

export interface Why {
  readonly id: string
  readonly project: string
  readonly source: string
  readonly outcome: string
  readonly reason: string | null
  readonly issues: readonly string[]
  readonly log: { topic: string; partition: number; offset: number } | null
  readonly in_tables: boolean
  readonly stored_at: null
  readonly steps: readonly { step: string; verdict: string; note: string | null }[]
  readonly attempts: readonly { outcome: string; count: number }[]
}

export function post(
  url: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: body as string,
  })
}

/** Posts and reads the answer; throws with the problem when it is not 200. */
export async function send(
  url: string,
  body: string | Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const response = await post(url, body, headers)
  const text = await response.text()
  if (response.status !== 200) throw new Error(`${response.status}: ${text}`)
  return JSON.parse(text) as Answer
}

export async function ledger(
  api: string,
  headers: Readonly<Record<string, string>> = {},
  project?: string,
): Promise<Ledger> {
  const { status, body } = await getJson<Ledger>(
    `${api}/api/v1/ledger${project === undefined ? '' : `?project=${project}`}`,
    headers,
  )
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`)
  return body
}

/** Everything acknowledged is in the tables, and the counts agree. */
export function settled(api: string, headers: Readonly<Record<string, string>> = {}): Promise<Ledger> {
  return eventually(
    async () => {
      const view = await ledger(api, headers).catch(() => undefined) // a child may be just coming back
      return view?.balanced === true && view.in_flight === 0 ? view : undefined
    },
    30_000,
    'a balanced ledger with nothing in flight',
  )
}

/** A count by SQL; 64-bit integers come as strings. */
export async function count(api: string, where: string, table = 'events'): Promise<number> {
  const [row] = await ask<{ n: string }>(api, `SELECT count() AS n FROM ${table} WHERE ${where}`)
  return Number(row?.n)
}

/** The event once it is in the tables, populated columns only. */
export function storedEvent(
  api: string,
  id: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Record<string, unknown>> {
  return eventually(
    async () => {
      const { status, body } = await getJson(`${api}/api/v1/events/${encodeURIComponent(id)}`, headers)
      return status === 200 ? body : undefined
    },
    15_000,
    `event ${id} in the tables`,
  )
}

export async function why(api: string, id: string, headers: Readonly<Record<string, string>> = {}): Promise<Why> {
  const { status, body } = await getJson<Why>(`${api}/api/v1/events/${encodeURIComponent(id)}/why`, headers)
  if (status !== 200) throw new Error(`${status}: ${JSON.stringify(body)}`)
  return body
}
