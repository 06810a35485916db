import { createIdDeriver, hasLostCharacters, idText, maxIdLength } from '@millrace/protocol'
import { createPace } from '../core/in-steps.ts'
import { type GateBatch, note, quarantine } from './gate-batch.ts'
import type { MadeOnce } from './made-once.ts'

/** Secret under which a project's missing ids are made. */
export const projectSecretBytes = 32

export interface IdSources {
  readonly secrets: MadeOnce
  /** Makes a new ULID. */
  readonly make: () => string
}

/**
 * Every event gets an id. The dialect's own wins (decoders set it, with the dialect's prefix where its ids are unique only there).
 * Without one, an event with a time of its own gets HMAC(project's secret, event, occurrence within the body): a retried body is the
 * same events again. An event with neither gets a ULID: sent twice, it is two events. An id that may stand for several events
 * (characters lost on the way, a number beyond 64 bits) is none: the event is quarantined, under an id that no other has.
 */
export function identify(batch: GateBatch, sources: IdSources): void | Promise<void> {
  const { events, ids } = batch
  let others: number[] | undefined
  for (let i = 0; i < events.length; i++) {
    const id = (events[i] as { id?: unknown }).id
    if (typeof id === 'string' && id !== '' && id.length <= maxIdLength && !hasLostCharacters(id)) ids[i] = id
    else (others ??= []).push(i)
  }
  return others === undefined ? undefined : identifyOthers(batch, others, sources)
}

async function identifyOthers(batch: GateBatch, others: readonly number[], sources: IdSources): Promise<void> {
  let derive: ((event: unknown) => string) | undefined
  const pace = createPace()
  for (const i of others) {
    const rest = pace()
    if (rest !== undefined) await rest
    const event = batch.events[i] as Record<string, unknown>
    const given = event['id']
    const isMissing = given === undefined || given === null || given === ''
    const text = isMissing ? undefined : idText(given)
    if (text !== undefined && hasLostCharacters(text)) {
      quarantine(batch, i, 'id', [
        '/id: holds U+FFFD or half a surrogate pair, which stand for characters lost on the way',
      ])
      batch.ids[i] = sources.make()
      continue
    }
    if (text !== undefined) {
      // Of one that is too long, the start still lets the sender find it with `why`.
      batch.ids[i] = text.slice(0, maxIdLength).toWellFormed()
      if (text.length > maxIdLength)
        quarantine(batch, i, 'id', [`/id: ${text.length} characters, at most ${maxIdLength}`])
      continue
    }
    if (!isMissing) {
      quarantine(batch, i, 'id', [`/id: must be a string, or a number of at most 64 bits, not ${kindOf(given)}`])
      event['id'] = undefined
    }
    if (hasOwnTime(event)) {
      derive ??= createIdDeriver(await sources.secrets.get(`secrets/${batch.raw.project}`))
      // Of what a decoder refused, the columns do not tell: perhaps just the id. The original tells two events apart.
      const raw = batch.raw.events[i]
      const derived = derivedId((raw?.issues?.length ?? 0) > 0 ? raw?.original : event, derive)
      if (derived !== undefined) {
        batch.ids[i] = derived
        note(batch, i, 'identify', 'id made from the event: the same event has the same id')
        continue
      }
    }
    batch.ids[i] = sources.make()
    note(batch, i, 'identify', 'id made anew: sent again, this is another event')
  }
}

/** Undefined for an event nested beyond all stacks; `limits` quarantines it next. */
function derivedId(event: unknown, derive: (event: unknown) => string): string | undefined {
  try {
    return derive(event)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}

function hasOwnTime(event: Readonly<Record<string, unknown>>): boolean {
  return (event['timestamp'] ?? event['timestamp_ns'] ?? event['started_at']) != null
}

/** For issues: what a value is, never the value. */
export function kindOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (value instanceof Uint8Array) return 'bytes'
  if (typeof value === 'object') return 'an object'
  if (typeof value === 'bigint') return `an integer of ${value.toString().replace('-', '').length} digits`
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) return 'a number beyond 2^53'
  return `a ${typeof value}`
}
