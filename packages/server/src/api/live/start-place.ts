import { packLogPosition, unpackLogPosition } from '@millrace/protocol'
import { PipelineError } from '../../core/errors.ts'
import type { Bounds, Log } from '../../log/log.ts'
import { eventPosition } from '../../query/event-position.ts'
import { eventsBetween } from '../../query/events-between.ts'
import type { Store } from '../../stores/store.ts'
import { tailAttempts } from '../tail-attempts.ts'
import { unloadedTail } from '../unloaded.ts'
import { decodeCursor, looksLikeCursor, type Place } from './cursor.ts'
import { LiveError } from './live-error.ts'
import { RecordView } from './record-view.ts'

/** Where somebody wants to begin. */
export interface Wish {
  /** A cursor, or the id of an event: what came after it. */
  readonly lastEventId?: string
  /** Unix ms: what arrived from then on. */
  readonly fromTimestamp?: number
}

export interface StartPlace {
  readonly places: Place[]
  /** Older than what the log holds: this begins at its first record. */
  readonly isTruncated: boolean
  /** The project's events in between. */
  readonly missed: number
}

/** Throws LiveError `INVALID_CURSOR` when there is no such place. Undefined: from now on. */
export type FindStart = (project: string, wish: Wish, signal: AbortSignal) => Promise<StartPlace | undefined>

/** More than anybody would miss one by one, and few enough to count in no time. */
const lastOffset = 2 ** 32 - 1

export function createFindStart(log: Log, store: Store): FindStart {
  async function lost(
    project: string,
    epoch: number,
    from: readonly Place[],
    until: (partition: number) => number,
    signal: AbortSignal,
  ) {
    const ranges = from
      .map(({ offset, index }, partition) => ({
        first: packLogPosition({ epoch, partition, offset, index }),
        last: packLogPosition({ epoch, partition, offset: Math.max(0, until(partition) - 1), index: 0xffff }),
      }))
      .filter(({ first, last }) => first <= last)
    try {
      return await eventsBetween(store, project, ranges, signal)
    } catch (error) {
      // The stream does not need the store: without it, a gap is told all the same.
      if (error instanceof PipelineError && error.code === 'unavailable') return ranges.length
      throw error
    }
  }

  async function fromPlaces(
    project: string,
    epoch: number,
    wanted: readonly Place[],
    signal: AbortSignal,
  ): Promise<StartPlace> {
    const bounds = await log.bounds('events')
    if (epoch !== log.epoch()) {
      // A place in a log that is no more: all of this one is newer.
      const missed = await lost(project, epoch, wanted, () => lastOffset, signal)
      return { places: bounds.map(({ first }) => ({ offset: first, index: 0 })), isTruncated: true, missed }
    }
    if (wanted.length !== bounds.length)
      throw new LiveError('INVALID_CURSOR', `the cursor is of a log with ${wanted.length} partitions`)
    const gone = wanted.filter(({ offset }, partition) => offset < firstOf(bounds, partition))
    const places = wanted.map(({ offset, index }, partition) => {
      const { first, next } = bounds[partition] as Bounds
      return offset < first
        ? { offset: first, index: 0 }
        : offset > next
          ? { offset: next, index: 0 }
          : { offset, index }
    })
    if (gone.length === 0) return { places, isTruncated: false, missed: 0 }
    const missed = await lost(project, epoch, wanted, (partition) => firstOf(bounds, partition), signal)
    return { places, isTruncated: true, missed }
  }

  /** The first record of a partition that arrived at `time` or later. */
  async function firstSince(time: number, { partition, first, next }: Bounds, signal: AbortSignal): Promise<number> {
    let low = first
    let high = next
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const found = await recordAt(partition, middle, signal)
      if (found === undefined || found.offset >= high || found.view.envelope.ingestedAt >= time) high = middle
      else low = found.offset + 1
    }
    return low
  }

  async function recordAt(partition: number, offset: number, signal: AbortSignal) {
    const [record] = await log.read({ topic: 'events', partition, offset }, { bytes: 1, waitMs: 0 }, signal)
    return (
      record && { offset: record.offset, view: new RecordView(record.value, log.epoch(), partition, record.offset) }
    )
  }

  async function sinceTime(project: string, time: number, signal: AbortSignal): Promise<StartPlace> {
    const bounds = await log.bounds('events')
    const places: Place[] = []
    let isTruncated = false
    for (const each of bounds) {
      const offset = await firstSince(time, each, signal)
      places.push({ offset, index: 0 })
      // Something was forgotten, and what is left begins after the time asked for.
      if (offset === each.first && each.first > 0) isTruncated = true
    }
    if (!isTruncated) return { places, isTruncated, missed: 0 }
    const ranges = bounds.map(({ partition, first }) => ({
      first: packLogPosition({ epoch: log.epoch(), partition, offset: 0, index: 0 }),
      last: packLogPosition({ epoch: log.epoch(), partition, offset: Math.max(0, first - 1), index: 0xffff }),
    }))
    const missed = await eventsBetween(store, project, ranges, signal, time).catch(() => ranges.length)
    return { places, isTruncated: missed > 0, missed }
  }

  /** After an event that somebody names by its id. */
  async function afterEvent(project: string, id: string, signal: AbortSignal): Promise<StartPlace> {
    const found = (await eventPosition(store, project, id, signal)) ?? (await inTail(project, id, signal))
    if (found === undefined)
      throw new LiveError(
        'INVALID_CURSOR',
        'lastEventId is neither a cursor of this stream nor the id of an event that is known; leave it out to begin now',
      )
    const { epoch, partition, offset, index } = unpackLogPosition(BigInt(found.position))
    const bounds = await log.bounds('events')
    if (epoch !== log.epoch()) return fromPlaces(project, epoch, [{ offset, index: index + 1 }], signal)
    const places: Place[] = []
    for (const each of bounds)
      places.push(
        each.partition === partition
          ? { offset, index: index + 1 }
          : { offset: await firstSince(found.at, each, signal), index: 0 },
      )
    return fromPlaces(project, epoch, places, signal)
  }

  async function inTail(project: string, id: string, signal: AbortSignal) {
    const attempts = await tailAttempts(await unloadedTail(log, signal), log.epoch(), project, id, signal)
    const stored = attempts.find(({ outcome }) => outcome === 'stored')
    return stored && { position: stored.logPosition, at: Date.parse(stored.receivedAt) }
  }

  return async (project, { lastEventId, fromTimestamp }, signal) => {
    if (lastEventId !== undefined && lastEventId !== '') {
      if (!looksLikeCursor(lastEventId)) return afterEvent(project, lastEventId, signal)
      const cursor = decodeCursor(lastEventId)
      if (cursor === undefined)
        throw new LiveError('INVALID_CURSOR', 'lastEventId is no cursor of this stream: it was changed or cut')
      return fromPlaces(project, cursor.epoch, cursor.places, signal)
    }
    return fromTimestamp === undefined ? undefined : sinceTime(project, fromTimestamp, signal)
  }
}

function firstOf(bounds: readonly Bounds[], partition: number): number {
  return (bounds[partition] as Bounds).first
}
