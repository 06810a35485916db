import type { EventColumns } from '@millrace/protocol'
import { type GateBatch, note, quarantine } from './gate-batch.ts'

/** Below it, what looks like a wrong clock is the way through the net. */
const maxTransitMs = 60_000
const maxAheadMs = 3_600_000
const maxAgeMs = 30 * 86_400_000

/**
 * When it happened, by our clock. The client's time stands unless the client's clock is surely wrong: sent more than a minute before or
 * after we received it, while none of the batch's events claims to be later than the sending. Then the whole batch moves by the same
 * amount, so that its events keep their order and distances; the client's own time stays in `context.client_timestamp`.
 * No time at all: the time of receipt. More than an hour ahead or 30 days old: quarantined.
 */
export function correctClock(batch: GateBatch, from = 0, to = batch.events.length): void {
  const { events, rejections, raw } = batch
  // Of the whole batch, before any of its events has moved.
  const shift = (batch.clockShift ??= raw.historical === true ? 0 : clockError(batch))
  const latest = raw.receivedAt + maxAheadMs
  const earliest = raw.historical === true ? Number.NEGATIVE_INFINITY : raw.receivedAt - maxAgeMs
  for (let i = from; i < to; i++) {
    if (rejections[i] !== undefined) continue
    const event = events[i] as EventColumns
    const own = ownTime(event)
    if (own === undefined) {
      event.timestamp = raw.receivedAt
      note(batch, i, 'clock', 'no time of its own: the time of receipt')
    } else {
      event.timestamp = own
      if (shift !== 0) shiftEvent(batch, i, event, shift)
      const time = event.timestamp
      if (time > latest)
        quarantine(batch, i, 'schema', [
          `/timestamp: ${spell(time - raw.receivedAt, maxAheadMs)} ahead, at most 1 hour`,
        ])
      else if (time < earliest)
        quarantine(batch, i, 'schema', [`/timestamp: ${spell(raw.receivedAt - time, maxAgeMs)} old, at most 30`])
    }
    if (raw.historical === true) note(batch, i, 'historical', true)
  }
}

/** Milliseconds to add to every time of the batch; 0: leave them. */
function clockError({ events, rejections, raw }: GateBatch): number {
  if (raw.sentAt === undefined || !Number.isFinite(raw.sentAt)) return 0
  const error = Math.round(raw.receivedAt - raw.sentAt)
  if (Math.abs(error) <= maxTransitMs) return 0
  for (let i = 0; i < events.length; i++) {
    if (rejections[i] !== undefined) continue
    const own = ownTime(events[i] as EventColumns)
    // An event later than its own sending: two clocks are at work (a server relays for a browser), so the offset tells nothing.
    if (own !== undefined && own > raw.sentAt + maxTransitMs) return 0
  }
  return error
}

function ownTime(event: EventColumns): number | undefined {
  if (event.timestamp !== undefined) return event.timestamp
  if (event.timestamp_ns !== undefined) return Number(event.timestamp_ns / 1_000_000n)
  return event.started_at
}

function shiftEvent(batch: GateBatch, index: number, event: EventColumns, shift: number): void {
  const original = event.timestamp as number
  event.timestamp = original + shift
  if (event.timestamp_ns !== undefined) event.timestamp_ns += BigInt(shift) * 1_000_000n
  if (event.started_at !== undefined) event.started_at += shift
  if (event.ended_at !== undefined) event.ended_at += shift
  // A copy: decoders may share one context among the events of a batch, and the original must stay as it came.
  event.context = { ...event.context, client_timestamp: new Date(original).toISOString() }
  note(batch, index, 'clock', `moved by ${shift} ms: the client's clock was wrong by that`)
}

/** Of more than `limit`: its two largest units, so that what is told is not the limit itself. */
function spell(ms: number, limit: number): string {
  const text = units(ms)
  return text === units(limit) ? `a little more than ${text}` : text
}

function units(ms: number): string {
  let seconds = Math.round(ms / 1000)
  const parts: string[] = []
  for (const [name, size] of [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ] as const) {
    const count = Math.floor(seconds / size)
    seconds -= count * size
    if (count > 0) parts.push(`${count} ${name}${count === 1 ? '' : 's'}`)
    else if (parts.length > 0) break
    if (parts.length === 2) break
  }
  return parts.join(' ')
}
