/** What the sender is told of one event. `retry`: not stored, send it again; every other one is durable. */
export type Outcome = 'stored' | 'duplicate' | 'dropped' | 'quarantined' | 'retry'

/** What the ledger counts: the durable outcomes. */
export type DurableOutcome = Exclude<Outcome, 'retry'>

export type DropReason = 'expired' | 'gpc' | 'consent' | 'sampled' | 'forbidden'

/**
 * One per event of a request, in the events' order.
 * `issues` are `<JSON pointer>: <what is wrong>` with numbers, times, enums and lengths, never strings of the event.
 */
export interface Receipt {
  readonly index: number
  readonly id: string
  readonly outcome: Outcome
  readonly reason?: string
  readonly issues?: readonly string[]
}

/** A step's judgement of one event; see `gate/gate.ts` for the order of the steps. */
export type Verdict<T> =
  | { readonly kind: 'pass'; readonly value: T }
  | { readonly kind: 'drop'; readonly reason: DropReason }
  | { readonly kind: 'quarantine'; readonly reason: string; readonly issues: readonly string[] }
