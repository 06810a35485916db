import type { EventColumns } from '@millrace/protocol'
import type { RawEvent } from '../../core/batch.ts'
import type { Issue } from '../issues.ts'
import { maxEventsPerBody } from '../limits.ts'
import { tooManyEvents } from '../ndjson.ts'
import { type Around, requestOf } from './wire-frame.ts'

/** Between two chances for others: a millisecond or two of spans. */
const itemsPerStep = 256

/** An item of a protobuf body. Its original is made when somebody asks for it, which is only in quarantine. */
export class WireEvent implements RawEvent {
  readonly columns: EventColumns
  readonly issues?: readonly Issue[]
  readonly #item: Uint8Array
  readonly #around: Around

  constructor(columns: EventColumns, issues: readonly Issue[], item: Uint8Array, around: Around) {
    this.columns = columns
    if (issues.length > 0) this.issues = issues
    this.#item = item
    this.#around = around
  }

  get original(): Uint8Array {
    return requestOf(this.#item, this.#around)
  }
}

/** An item of a JSON body; `request` makes the whole request that holds it alone. */
export class JsonEvent implements RawEvent {
  readonly columns: EventColumns
  readonly issues?: readonly Issue[]
  readonly #item: unknown
  readonly #request: (item: unknown) => unknown

  constructor(columns: EventColumns, issues: readonly Issue[], item: unknown, request: (item: unknown) => unknown) {
    this.columns = columns
    if (issues.length > 0) this.issues = issues
    this.#item = item
    this.#request = request
  }

  get original(): unknown {
    return this.#request(this.#item)
  }
}

/** The events of a body as they are decoded. */
export class EventList {
  readonly events: RawEvent[] = []
  #untilStep = itemsPerStep

  /** Throws `too_large` for one more than a body may hold. True when it is time to let others go on. */
  add(event: RawEvent): boolean {
    if (this.events.length >= maxEventsPerBody) throw tooManyEvents(maxEventsPerBody)
    this.events.push(event)
    if (--this.#untilStep > 0) return false
    this.#untilStep = itemsPerStep
    return true
  }
}
