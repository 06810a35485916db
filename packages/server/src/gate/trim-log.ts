import { decodeDeadLetter, decodeOutcomesRecord, decodeQuarantineRecord, readEnvelope } from '@millrace/protocol'
import type { Bounds, Committed, Log, Position, Topic } from '../log/log.ts'
import type { DedupIndex } from './dedup/dedup-index.ts'

/** `log.retention` */
export interface Retention {
  readonly hours: number
  readonly bytes: number
}

export interface TrimOptions {
  readonly log: Log
  readonly dedup: Pick<DedupIndex, 'sealedBefore'>
  readonly retention: Retention
  readonly now: number
  /** Group whose commits say what the store has. */
  readonly group?: string
  readonly signal: AbortSignal
}

/** Trimming begins before the log is full, where admission refuses, and ends well below. */
const bytesFrom = 0.9
const bytesGoal = 0.8
const hourMs = 3_600_000
/** A dead letter is all that is left of its events and waits for a person, as long as what is quarantined does. */
const deadLetterHours = 30 * 24

/**
 * Forgets records that are older than the retention's hours, or the oldest of a log that comes near its bytes. Never what `load` has
 * not committed, and never events that the dedup index would have to read back; dead letters for want of room only when nothing else
 * may go. Returns how many records went.
 */
export async function trimLog(options: TrimOptions): Promise<number> {
  const { log, dedup, retention, now, group = 'load', signal } = options
  const committed = await log.committed(group)
  const sealed = dedup.sealedBefore()
  const bytes = await log.bytes()
  const excess = bytes > retention.bytes * bytesFrom ? 1 - (retention.bytes * bytesGoal) / bytes : 0

  /** How many records went, and whether `excess` asked for more than may go. */
  async function trimTopic(topic: Topic, hours: number, excess: number): Promise<{ gone: number; isShort: boolean }> {
    let gone = 0
    let isShort = true
    for (const bounds of await log.bounds(topic)) {
      const allowed = mayGo(topic, bounds, committed, sealed)
      // By bytes only an estimate: records are taken to be alike; the next look corrects it.
      const many = bounds.first + Math.ceil((bounds.next - bounds.first) * excess)
      if (many <= allowed && many > bounds.first) isShort = false
      if (allowed <= bounds.first) continue
      const old = await firstSince(log, topic, { ...bounds, next: allowed }, now - hours * hourMs, signal)
      const offset = Math.min(allowed, Math.max(old, many))
      if (offset <= bounds.first) continue
      await log.trim({ topic, partition: bounds.partition, offset })
      gone += offset - bounds.first
    }
    return { gone, isShort }
  }

  let gone = 0
  let isShort = excess > 0
  for (const topic of ['events', 'quarantine', 'outcomes'] as const) {
    const trimmed = await trimTopic(topic, retention.hours, excess)
    gone += trimmed.gone
    isShort &&= trimmed.isShort
  }
  const letters = await trimTopic('deadletters', Math.max(retention.hours, deadLetterHours), isShort ? excess : 0)
  return gone + letters.gone
}

function mayGo(topic: Topic, bounds: Bounds, committed: readonly Committed[], sealed: readonly Position[]): number {
  const isHere = (position: Position) => position.topic === topic && position.partition === bounds.partition
  const loaded = committed.find(isHere)?.offset ?? bounds.first
  const kept = topic === 'events' ? (sealed.find(isHere)?.offset ?? bounds.first) : bounds.next
  return Math.min(loaded, kept, bounds.next)
}

/** First offset of a record written at `since` or later: records of a partition are in the order of their times, or nearly. */
async function firstSince(log: Log, topic: Topic, bounds: Bounds, since: number, signal: AbortSignal): Promise<number> {
  let low = bounds.first
  let high = bounds.next
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const position = { topic, partition: bounds.partition, offset: middle }
    const [record] = await log.read(position, { bytes: 1, waitMs: 0 }, signal)
    if (record === undefined || writtenAt(topic, record.value) >= since) high = middle
    else low = middle + 1
  }
  return low
}

/** A record that cannot be read does not keep the others: it is taken for new, and goes when one behind it does. */
function writtenAt(topic: Topic, value: Uint8Array): number {
  try {
    if (topic === 'events') return readEnvelope(value).ingestedAt
    if (topic === 'deadletters') return decodeDeadLetter(value).failedAt
    if (topic === 'quarantine') return decodeQuarantineRecord(value)[0]?.receivedAt ?? Number.POSITIVE_INFINITY
    const { rows, counts } = decodeOutcomesRecord(value)
    return counts[0]?.minute ?? rows[0]?.receivedAt ?? Number.POSITIVE_INFINITY
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
