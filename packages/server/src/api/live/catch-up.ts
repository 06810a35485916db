import { createTurns } from '../../core/bounded.ts'
import type { Deps } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Log } from '../../log/log.ts'
import type { LiveConfig } from './config.ts'
import { encodeCursor, type Place } from './cursor.ts'
import { maxBatchBytes } from './groups.ts'
import type { Hub } from './hub.ts'
import { JsonBytes } from './json-bytes.ts'
import { type EventMessage, eventMessage, messageOf } from './message.ts'
import type { Seen } from './recent.ts'
import { RecordView } from './record-view.ts'
import type { Subscriber } from './subscriber.ts'

/** Readers of the past at the same time; each takes a turn for one look, so that a slow one keeps nobody waiting. */
const turnsAtOnce = 4
const readBytes = 256 * 1024

/** Counts the project's events between places that the log no longer holds. */
export type CountLost = (
  project: string,
  partition: number,
  from: Readonly<Place>,
  first: number,
  signal: AbortSignal,
) => Promise<number>

/**
 * From a place in the log up to the moving stream, at the subscriber's own pace: nothing is skipped but what the log has forgotten.
 * Resolves when it has joined, or is closed.
 */
export type CatchUp = (subscriber: Subscriber, places: Place[], signal: AbortSignal) => Promise<void>

export interface CatchUpParts {
  readonly log: Log
  readonly hub: Hub
  readonly config: LiveConfig
  readonly countLost: CountLost
  readonly deps: Deps
}

export function createCatchUp({ log, hub, config, countLost, deps }: CatchUpParts): CatchUp {
  const json = new JsonBytes()
  const turns = createTurns(turnsAtOnce)
  const maxBatchSize = config.coalescing.enabled ? config.coalescing.maxBatchSize : 1

  /** False: no room; `places` says how far it came. What cannot be read is a gap: stopping there would mean stopping for ever. */
  function deliver(subscriber: Subscriber, places: Place[], seen: Seen): boolean {
    const { index } = places[seen.partition] as Place
    try {
      return hand(subscriber, places, seen)
    } catch (error) {
      const { partition, offset, view } = seen
      deps.logger.error({ err: error, partition, offset }, 'live: a record is damaged and is left out')
      const place = places[partition] as Place
      if (view.envelope.project === subscriber.project) subscriber.gap(view.count - index)
      place.offset = offset + 1
      place.index = 0
      return true
    }
  }

  function hand(subscriber: Subscriber, places: Place[], { partition, offset, view }: Seen): boolean {
    const place = places[partition] as Place
    const start = place.offset === offset ? place.index : 0
    const isMine = view.envelope.project === subscriber.project
    let batch: EventMessage[] = []
    let bytes = 0
    let sent = start
    const advance = (to: number) => {
      place.offset = to < view.count ? offset : offset + 1
      place.index = to < view.count ? to : 0
    }
    const flush = (to: number): boolean => {
      if (batch.length > 0 && !subscriber.send(messageOf(batch), performance.now())) {
        advance(sent)
        return false
      }
      batch = []
      bytes = 0
      sent = to
      return true
    }
    for (let index = start; isMine && index < view.count; index++) {
      if (!view.isNews(index)) continue
      const topic = view.topic(index)
      const { interest } = subscriber
      if (!interest.wantsTopic(topic) || !interest.passes(view, index)) continue
      advance(index + 1)
      const event = eventMessage(encodeCursor(log.epoch(), places), view, index, json)
      batch.push(event)
      bytes += event.json.length
      if ((batch.length >= maxBatchSize || bytes >= maxBatchBytes) && !flush(index + 1)) return false
    }
    if (!flush(view.count)) return false
    advance(view.count)
    return true
  }

  /** One look into each partition, the records in the order of their arrival. False: no room. */
  async function readOn(subscriber: Subscriber, places: Place[], signal: AbortSignal): Promise<boolean> {
    const ends = hub.places()
    const queues: Seen[][] = []
    for (const [partition, place] of places.entries()) {
      const end = (ends[partition] as Place).offset
      queues.push(place.offset < end ? await look(subscriber, partition, place, end, signal) : [])
    }
    for (;;) {
      const queue = queues.reduce((best, other) => (arrivalOf(other) < arrivalOf(best) ? other : best))
      const seen = queue.shift()
      if (seen === undefined) return true
      if (!deliver(subscriber, places, seen)) return false
      // There may be more of this partition before what the others still have.
      if (queue.length === 0 && (places[seen.partition] as Place).offset < (ends[seen.partition] as Place).offset)
        return true
    }
  }

  async function look(
    subscriber: Subscriber,
    partition: number,
    place: Place,
    end: number,
    signal: AbortSignal,
  ): Promise<Seen[]> {
    try {
      const from = { topic: 'events' as const, partition, offset: place.offset }
      const records = await log.read(from, { bytes: readBytes, waitMs: 0 }, signal)
      const found: Seen[] = []
      for (const { offset, value } of records) {
        if (offset >= end) break
        const view = open(value, partition, offset)
        if (view !== undefined) found.push({ partition, offset, view })
      }
      // Numbers may be left out in a log: nothing before the end is as good as being there.
      if (found.length === 0) place.offset = Math.min(end, (records.at(-1)?.offset ?? end) + 1)
      return found
    } catch (error) {
      if (!(error instanceof PipelineError && error.code === 'trimmed')) throw error
      const first = (await log.bounds('events')).find((bounds) => bounds.partition === partition)?.first ?? end
      subscriber.gap(await countLost(subscriber.project, partition, place, first, signal))
      place.offset = first
      place.index = 0
      return []
    }
  }

  function open(value: Uint8Array, partition: number, offset: number): RecordView | undefined {
    try {
      return new RecordView(value, log.epoch(), partition, offset)
    } catch (error) {
      deps.logger.error({ err: error, partition, offset }, 'live: a record cannot be read and is left out')
      return undefined
    }
  }

  return async function catchUp(subscriber, places, signal) {
    for (;;) {
      await subscriber.ready()
      if (subscriber.isClosed() || signal.aborted) return
      const recent = hub.recentAfter(places)
      if (recent !== undefined) {
        // Without a pause from here to `join`: nothing can go by in between.
        if (recent.every((seen) => deliver(subscriber, places, seen))) return hub.join(subscriber)
        continue
      }
      await turns.take(signal)
      try {
        await readOn(subscriber, places, signal)
      } finally {
        turns.give()
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
}

function arrivalOf(queue: readonly Seen[]): number {
  return queue[0]?.view.envelope.ingestedAt ?? Number.POSITIVE_INFINITY
}
