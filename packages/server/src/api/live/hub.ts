import type { Deps } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Service } from '../../core/service.ts'
import type { Log, LogRecord } from '../../log/log.ts'
import type { LiveConfig } from './config.ts'
import { encodeCursor, type Place } from './cursor.ts'
import { createGroups, flushGroup, type Group, type Project } from './groups.ts'
import type { Interest } from './interest.ts'
import { JsonBytes } from './json-bytes.ts'
import { type EventMessage, eventMessage, messageOf } from './message.ts'
import { createRecent, type Seen } from './recent.ts'
import { RecordView } from './record-view.ts'
import type { Subscriber } from './subscriber.ts'

/** Of one look into the log: small enough that other work of the process never waits for long. */
const readBytes = 512 * 1024
const waitMs = 10_000
/** Behind for so long: what is in between is counted, not shown, so that the stream is about now again. */
const maxBehindMs = 10_000
const retryMs = 1000

/**
 * Reads the log once for the whole process, from the moment the first subscriber comes, and hands each event to whoever wants it.
 * Events of all partitions come in one order; a cursor is a place in it.
 */
export interface Hub extends Service {
  /** Resolves when the stream runs: what is stored from now on goes by. */
  run(): Promise<void>
  /** Where the stream is: the next record of each partition. */
  places(): readonly Readonly<Place>[]
  /** See Recent.after. */
  recentAfter(places: readonly Readonly<Place>[]): readonly Seen[] | undefined
  /** From here on it gets what goes by: it MUST have been given all before, in the same turn of the event loop. */
  join(subscriber: Subscriber): void
  leave(subscriber: Subscriber): void
  /** Another interest from now on. */
  change(subscriber: Subscriber, interest: Interest): void
  cursor(): string
}

export interface HubParts {
  readonly log: Log
  readonly config: LiveConfig
  readonly deps: Deps
  /** Milliseconds from the arrival at the collector to the sending. */
  readonly onLatency: (ms: number) => void
  /** Called for every event of a project that somebody listens to. */
  readonly onEvent: (project: string, topic: string, partition: number, offset: number) => void
}

/** Events of a project that nobody gets. */
interface Lost {
  readonly project: Project
  readonly count: number
}

export function createHub({ log, config, deps, onLatency, onEvent }: HubParts): Hub {
  const groups = createGroups()
  const recent = createRecent(config.recentBytes)
  const json = new JsonBytes()
  const stopping = new AbortController()
  const { signal } = stopping
  const touched = new Set<Group>()
  const { enabled, maxDelayMs } = config.coalescing
  const maxBatchSize = enabled ? config.coalescing.maxBatchSize : 1
  let places: Place[] = []
  let running: Promise<void> | undefined
  let loops: Promise<unknown> = Promise.resolve()
  let turn: Promise<void> = Promise.resolve()
  let flushedAt = Number.NEGATIVE_INFINITY
  let flushTimer: NodeJS.Timeout | undefined
  let settleTimer: NodeJS.Timeout | undefined

  /** One at a time: records are taken in, and messages handed out, in one order for all. */
  function exclusive(work: () => Promise<void>): Promise<void> {
    turn = turn.then(work).catch((error: unknown) => {
      deps.logger.error({ err: error }, 'live: a part of the stream could not be handed out')
    })
    return turn
  }

  async function flush(): Promise<void> {
    clearTimeout(flushTimer)
    flushTimer = undefined
    flushedAt = performance.now()
    const due = [...touched]
    touched.clear()
    for (const group of due) await flushGroup(group, maxBatchSize)
  }

  /** At once when nothing left within the delay, else together with what comes until then. */
  async function flushWhenDue(): Promise<void> {
    if (touched.size === 0) return
    const wait = enabled ? flushedAt + maxDelayMs - performance.now() : 0
    if (wait <= 0) await flush()
    else flushTimer ??= setTimeout(() => void exclusive(flush), wait)
  }

  /** Answers what of it could not be handed out. */
  function takeIn({ partition, offset, value }: LogRecord): Lost | undefined {
    const place = places[partition] as Place
    let lost: Lost | undefined
    try {
      const view = new RecordView(value, log.epoch(), partition, offset)
      const project = groups.project(view.envelope.project)
      lost = project && handOut(project, view, place, offset)
      if (lost === undefined) recent.add({ partition, offset, view })
      else recent.leaveOut(partition, offset)
    } catch (error) {
      // Not even its head can be read. `load` says so too.
      deps.logger.error({ err: error, partition, offset }, 'live: a record cannot be read and is left out')
      recent.leaveOut(partition, offset)
    }
    place.offset = offset + 1
    place.index = 0
    return lost
  }

  function handOut(project: Project, view: RecordView, place: Place, offset: number): Lost | undefined {
    const { count } = view
    let isWanted = false
    let index = 0
    try {
      for (; index < count; index++) {
        if (!view.isNews(index)) continue
        const topic = view.topic(index)
        const wanting = groups.wanting(project, view, index, topic)
        let event: EventMessage | undefined
        if (wanting.length > 0) {
          place.offset = index + 1 < count ? offset : offset + 1
          place.index = index + 1 < count ? index + 1 : 0
          event = eventMessage(encodeCursor(log.epoch(), places), view, index, json)
        }
        project.seen++
        onEvent(project.name, topic, view.partition, offset)
        if (event === undefined) continue
        isWanted = true
        for (const group of wanting) {
          group.events.push(event)
          group.numbers.push(project.seen)
          touched.add(group)
        }
      }
    } catch (error) {
      deps.logger.error({ err: error, partition: view.partition, offset }, 'live: a record is damaged and is left out')
      return { project, count: count - index }
    }
    if (isWanted) onLatency(deps.clock.now() - view.envelope.ingestedAt)
    return undefined
  }

  /** So many events of a project that nobody gets. */
  async function goBy({ project, count }: Lost): Promise<void> {
    await flush() // what came before it goes before the gap
    for (const group of project.groups.values()) for (const member of group.members) member.skip(project.seen + 1)
    project.seen += count
  }

  /** Far behind: the events are counted and go by unseen. */
  async function passBy({ partition, offset, value }: LogRecord): Promise<void> {
    const place = places[partition] as Place
    place.offset = offset + 1
    place.index = 0
    recent.leaveOut(partition, offset)
    let view: RecordView
    try {
      view = new RecordView(value, log.epoch(), partition, offset)
    } catch {
      return // not even its head can be read: `load` tells
    }
    const project = groups.project(view.envelope.project)
    if (project !== undefined) await goBy({ project, count: view.count })
  }

  async function follow(partition: number): Promise<void> {
    const place = places[partition] as Place
    let caughtUpAt = performance.now()
    let isFailing = false
    while (!signal.aborted) {
      try {
        const from = { topic: 'events' as const, partition, offset: place.offset }
        const records = await log.read(from, { bytes: readBytes, waitMs }, signal)
        isFailing = false
        const bytes = records.reduce((sum, { value }) => sum + value.length, 0)
        if (bytes < readBytes / 2) caughtUpAt = performance.now()
        const isFarBehind = performance.now() - caughtUpAt > maxBehindMs
        await exclusive(async () => {
          for (const record of records) {
            if (isFarBehind) await passBy(record)
            else {
              const lost = takeIn(record)
              if (lost !== undefined) await goBy(lost)
            }
          }
          await flushWhenDue()
        })
        // A log that is read faster than it grows answers at once: everybody else gets a turn too.
        await new Promise((resolve) => setImmediate(resolve))
      } catch (error) {
        if (signal.aborted) return
        const isTrimmed = error instanceof PipelineError && error.code === 'trimmed'
        if (isTrimmed && (await jumpToFirst(partition).then(succeeded, failed))) continue
        if (!isFailing) deps.logger.warn({ err: error, partition }, 'live: the log cannot be read; trying again')
        isFailing = true
        await deps.clock.sleep(retryMs, signal).catch(() => {})
      }
    }
  }

  const succeeded = () => true
  const failed = () => false

  /** The log forgot what was never read here: nobody knows how many events, so everyone is told of at least one. */
  async function jumpToFirst(partition: number): Promise<void> {
    const first = (await log.bounds('events')).find((bounds) => bounds.partition === partition)?.first ?? 0
    await exclusive(async () => {
      for (const project of groups.projects()) await goBy({ project, count: 1 })
      const place = places[partition] as Place
      place.offset = Math.max(first, place.offset)
      place.index = 0
      recent.leaveOut(partition, place.offset - 1)
    })
  }

  /** Who has room again and gets no message soon is told its gap all the same. */
  function settle(): Promise<void> {
    return exclusive(async () => {
      const now = performance.now()
      for (const subscriber of groups.subscribers()) {
        const project = groups.project(subscriber.project) as Project
        const waiting = project.groups.get(subscriber.interest.key)?.numbers[0]
        subscriber.settle(waiting === undefined ? project.seen : waiting - 1, now)
      }
    })
  }

  async function begin(): Promise<void> {
    const bounds = await log.bounds('events')
    places = bounds.map(({ next }) => ({ offset: next, index: 0 }))
    recent.begin(places)
    loops = Promise.all(places.map((_, partition) => follow(partition)))
    settleTimer = setInterval(() => void settle(), 250)
  }

  return {
    async start() {},
    async stop() {
      stopping.abort()
      clearInterval(settleTimer)
      await running?.catch(() => {})
      await loops
      await exclusive(flush)
    },
    run() {
      running ??= begin().catch((error: unknown) => {
        running = undefined
        throw error
      })
      return running
    },
    places: () => places,
    recentAfter: (from) => recent.after(from),
    join: (subscriber) => groups.join(subscriber),
    leave: (subscriber) => void groups.leave(subscriber),
    change(subscriber, interest) {
      const rest = groups.leave(subscriber)
      if (rest !== undefined) subscriber.offer(messageOf(rest.events), rest.first, performance.now())
      subscriber.interest = interest
      groups.join(subscriber)
    },
    cursor: () => encodeCursor(log.epoch(), places),
  }
}
