import type { Deps } from '../../core/deps.ts'
import { createTurns } from '../../core/bounded.ts'
import { toPipelineError } from '../../core/errors.ts'
import type { Log } from '../../log/log.ts'
import type { Ask } from '../../stores/ask.ts'
import type { Subscriber } from './subscriber.ts'

/** Of one subscriber, and of all together: each is a query that runs again and again. */
const maxPerSubscriber = 5
const maxInAll = 500
const maxSqlLength = 10_240
const maxResultBytes = 256 * 1024
/** A query runs again at most so often, however many events come. */
const checkEveryMs = 500
const runningAtOnce = 4

/**
 * Queries that answer again when something happened that may change the answer: an event whose topic or type (as `'track'`) occurs in the
 * SQL, or any event when the SQL names no topic or type at all. They run in the same cage as every query of people; a run waits
 * until the event that caused it is in the tables.
 */
export interface LiveQueries {
  ask(subscriber: Subscriber, id: unknown, sql: unknown, params: unknown): void
  end(subscriber: Subscriber, id: unknown): void
  /** The subscriber is gone. */
  leave(subscriber: Subscriber): void
  onEvent(project: string, topic: string, partition: number, offset: number): void
  stop(): Promise<void>
}

interface LiveQuery {
  readonly subscriber: Subscriber
  readonly id: string
  readonly sql: string
  readonly params: Readonly<Record<string, unknown>>
  readonly ending: AbortController
  /** What must be loaded before it runs again: the next record of each partition in which something happened. Undefined: nothing did. */
  due: Map<number, number> | undefined
  isRunning: boolean
}

export interface LiveQueryParts {
  readonly log: Log
  readonly ask: Ask
  readonly deps: Deps
}

export function createLiveQueries({ log, ask, deps }: LiveQueryParts): LiveQueries {
  const byProject = new Map<string, Set<LiveQuery>>()
  const turns = createTurns(runningAtOnce)
  const stopping = new AbortController()
  const under = new Set<Promise<void>>()
  let inAll = 0
  let timer: NodeJS.Timeout | undefined
  let isChecking = false

  const of = (subscriber: Subscriber) =>
    [...(byProject.get(subscriber.project) ?? [])].filter((query) => query.subscriber === subscriber)

  function remove(query: LiveQuery): void {
    const queries = byProject.get(query.subscriber.project)
    if (queries?.delete(query) !== true) return
    query.ending.abort()
    inAll--
    if (queries.size === 0) byProject.delete(query.subscriber.project)
    if (inAll > 0) return
    clearInterval(timer)
    timer = undefined
  }

  /** Runs what is due and loaded. */
  async function check(): Promise<void> {
    if (isChecking) return
    isChecking = true
    try {
      const waiting = [...byProject.values()].flatMap((queries) =>
        [...queries].filter(
          ({ due, isRunning, subscriber }) => due !== undefined && !isRunning && subscriber.hasRoom(),
        ),
      )
      if (waiting.length === 0) return
      const loaded = new Map(
        (await log.committed('load'))
          .filter(({ topic }) => topic === 'events')
          .map(({ partition, offset }) => [partition, offset]),
      )
      for (const query of waiting) {
        const due = [...(query.due ?? [])]
        if (due.every(([partition, next]) => (loaded.get(partition) ?? 0) >= next)) start(query)
      }
    } catch (error) {
      deps.logger.warn({ err: error }, 'live: what is loaded cannot be learned; queries wait')
    } finally {
      isChecking = false
    }
  }

  function start(query: LiveQuery): void {
    query.due = undefined
    query.isRunning = true
    const run = answer(query).finally(() => {
      query.isRunning = false
      under.delete(run)
    })
    under.add(run)
  }

  async function answer({ subscriber, id, sql, params, ending }: LiveQuery): Promise<void> {
    const signal = AbortSignal.any([ending.signal, stopping.signal])
    try {
      await turns.take(signal)
      try {
        const { body } = await ask.ask(subscriber.project, sql, params, 'json', signal)
        const pieces: Uint8Array[] = []
        let bytes = 0
        for await (const piece of body) {
          bytes += piece.length
          if (bytes > maxResultBytes)
            throw new Error(`the answer has more than ${maxResultBytes} bytes: ask for fewer rows`)
          pieces.push(piece)
        }
        const result = JSON.parse(Buffer.concat(pieces).toString('utf8')) as object
        if (!signal.aborted) subscriber.tell({ type: 'query_result', id, ...result })
      } finally {
        turns.give()
      }
    } catch (error) {
      if (signal.aborted) return
      const { code, message } = toPipelineError(error)
      subscriber.tell({ type: 'query_error', id, code: code === 'internal' ? 'query_failed' : code, message })
    }
  }

  return {
    ask(subscriber, id, sql, params) {
      const refuse = (message: string) =>
        void subscriber.tell({ type: 'query_error', id: id ?? null, code: 'malformed', message })
      if (typeof id !== 'string' || id === '' || id.length > 64) return refuse('expected an id of 1 to 64 characters')
      if (typeof sql !== 'string' || sql.trim() === '' || sql.length > maxSqlLength)
        return refuse(`expected sql of 1 to ${maxSqlLength} characters`)
      if (params !== undefined && (typeof params !== 'object' || params === null || Array.isArray(params)))
        return refuse('expected params to be an object')
      for (const old of of(subscriber)) if (old.id === id) remove(old)
      if (of(subscriber).length >= maxPerSubscriber) return refuse(`at most ${maxPerSubscriber} queries at once`)
      if (inAll >= maxInAll) return refuse('too many live queries on this server: try again later')
      const query: LiveQuery = {
        subscriber,
        id,
        sql,
        params: (params ?? {}) as Record<string, unknown>,
        ending: new AbortController(),
        due: undefined,
        isRunning: false,
      }
      const queries = byProject.get(subscriber.project) ?? new Set()
      byProject.set(subscriber.project, queries.add(query))
      inAll++
      timer ??= setInterval(() => void check(), checkEveryMs)
      start(query)
    },
    end(subscriber, id) {
      for (const query of of(subscriber)) if (query.id === id) remove(query)
    },
    leave(subscriber) {
      if (inAll > 0) for (const query of of(subscriber)) remove(query)
    },
    onEvent(project, topic, partition, offset) {
      if (inAll === 0) return
      for (const query of byProject.get(project) ?? [])
        if (mayChange(query.sql, topic)) (query.due ??= new Map()).set(partition, offset + 1)
    },
    async stop() {
      clearInterval(timer)
      stopping.abort()
      await Promise.all(under)
    },
  }
}

const namesTopic = /\bevent_type\b|\btopic\b/i

/** An event of this topic may change the answer: conservative, so that no change is missed. */
export function mayChange(sql: string, topic: string): boolean {
  const type = topic.split('.', 1)[0] as string
  return sql.includes(topic) || sql.includes(`'${type}'`) || !namesTopic.test(sql)
}
