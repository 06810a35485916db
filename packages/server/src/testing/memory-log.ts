import { PipelineError } from '../core/errors.ts'
import { type Log, type LogRecord, type NewRecord, type Position, type Topic, topics } from '../log/log.ts'
import { memoryGroups, type MemoryGroups } from './memory-groups.ts'

export interface MemoryLogOptions {
  readonly partitions?: number
  readonly epoch?: number
  /**
   * Called before each append with its number (from 1); what it answers happens to that append. `refuse` stores nothing and says so;
   * `lose-answer` stores, then rejects with `unknown_result`; `unknown` stores nothing and rejects with `unknown_result`.
   */
  readonly onAppend?: (call: number, records: readonly NewRecord[]) => AppendFate | Promise<AppendFate>
}

export type AppendFate = 'store' | 'refuse' | 'lose-answer' | 'unknown'

/** A log in memory that keeps the contract of `Log` but for durability; for tests of what stands before and behind it. */
export interface MemoryLog extends Log {
  /** Everything that a topic holds, by partition and offset. */
  all(topic: Topic): readonly LogRecord[]
  /** Another client of the same records and groups. */
  another(): MemoryLog
}

interface Partition {
  first: number
  readonly records: { readonly value: Uint8Array; readonly fingerprints?: Uint8Array }[]
}

interface Data {
  readonly store: ReadonlyMap<Topic, readonly Partition[]>
  readonly groups: MemoryGroups
  readonly wakers: Set<() => void>
  appends: number
}

export function memoryLog(options: MemoryLogOptions = {}): MemoryLog {
  const store: Data['store'] = new Map(
    topics.map((topic): [Topic, Partition[]] => {
      const length = topic === 'events' ? (options.partitions ?? 1) : 1
      return [topic, Array.from({ length }, () => ({ first: 0, records: [] }))]
    }),
  )
  const groups = memoryGroups((topic) => boundsOf(store, topic))
  return openClient({ store, groups, wakers: new Set(), appends: 0 }, options)
}

function openClient(data: Data, options: MemoryLogOptions): MemoryLog {
  const { store, groups, wakers } = data
  const client = {}
  const underWay = new Set<Promise<unknown>>()
  let isStopped = false

  const assertRunning = () => {
    if (isStopped) throw new PipelineError('unavailable', 'the log is stopped')
  }
  const partitionOf = ({ topic, partition }: Pick<Position, 'topic' | 'partition'>): Partition => {
    const found = store.get(topic)?.[partition]
    if (found === undefined) throw new PipelineError('internal', `no partition ${partition} of ${topic}`)
    return found
  }
  const put = (record: NewRecord): Position => {
    const partition = partitionOf(record)
    const { topic, value, fingerprints } = record
    const offset = partition.first + partition.records.length
    const copy = { value: value.slice(), ...(fingerprints && { fingerprints: fingerprints.slice() }) }
    partition.records.push(copy)
    return { topic, partition: record.partition, offset }
  }

  const append: Log['append'] = async (records, { commit }, signal) => {
    signal.throwIfAborted()
    assertRunning()
    for (const record of records) partitionOf(record)
    const fate = (await options.onAppend?.(++data.appends, records)) ?? 'store'
    if (commit !== undefined) groups.check(client, commit)
    if (fate === 'refuse') throw new PipelineError('unavailable', 'the log is full')
    if (fate === 'unknown') throw new PipelineError('unknown_result', 'the log did not answer')
    const positions = records.map(put)
    if (commit !== undefined) groups.apply(client, commit)
    for (const wake of wakers) wake()
    // A real log needs a turn of the event loop to sync; callers must not rely on less.
    await new Promise((resolve) => setImmediate(resolve))
    if (fate === 'lose-answer') throw new PipelineError('unknown_result', 'the log did not answer')
    return positions
  }

  const read: Log['read'] = async (from, limit, signal) => {
    const partition = partitionOf(from)
    const until = Date.now() + limit.waitMs
    assertRunning()
    signal.throwIfAborted()
    while (from.offset >= partition.first + partition.records.length && Date.now() < until) {
      await nextChange(wakers, until - Date.now(), signal)
      assertRunning()
      signal.throwIfAborted()
    }
    if (from.offset < partition.first)
      throw new PipelineError('trimmed', `offset ${from.offset} of ${from.topic}/${from.partition} is gone`)
    const found: LogRecord[] = []
    let bytes = 0
    for (let i = from.offset - partition.first; i < partition.records.length; i++) {
      const record = partition.records[i] as Partition['records'][number]
      bytes += record.value.length
      if (found.length > 0 && bytes > limit.bytes) break
      found.push(recordAt(from, partition.first + i, record, limit.fingerprints === true))
    }
    return found
  }

  return {
    async start() {},
    async stop() {
      isStopped = true
      groups.leave(client)
      for (const wake of wakers) wake()
      await Promise.allSettled(underWay)
    },
    epoch: () => options.epoch ?? 7,
    partitions: (topic) => store.get(topic)?.length ?? 0,
    async moment() {
      const ends = topics.flatMap((topic) => boundsOf(store, topic).map((bounds) => ({ topic, ...bounds })))
      return { ends, includes: () => true }
    },
    async append(records, appendOptions, signal) {
      const appending = append(records, appendOptions, signal)
      underWay.add(appending)
      try {
        return await appending
      } finally {
        underWay.delete(appending)
      }
    },
    read,
    async join(group, joined, onAssigned, signal) {
      signal.throwIfAborted()
      assertRunning()
      return groups.join(client, group, joined, onAssigned)
    },
    async commit(membership, positions, note) {
      assertRunning()
      groups.apply(client, { membership, positions, ...(note === undefined ? {} : { note }) })
    },
    committed: async (group) => groups.committed(group),
    bounds: async (topic) => boundsOf(store, topic),
    async trim(before) {
      const partition = partitionOf(before)
      const gone = Math.min(Math.max(0, before.offset - partition.first), partition.records.length)
      partition.records.splice(0, gone)
      partition.first += gone
    },
    async bytes() {
      const records = [...store.values()].flat().flatMap((partition) => partition.records)
      return records.reduce((sum, { value }) => sum + value.length, 0)
    },
    all: (topic) =>
      (store.get(topic) ?? []).flatMap(({ first, records }, partition) =>
        records.map((record, i) => recordAt({ topic, partition }, first + i, record, true)),
      ),
    another: () => openClient(data, options),
  }
}

function recordAt(
  { topic, partition }: Pick<Position, 'topic' | 'partition'>,
  offset: number,
  { value, fingerprints }: Partition['records'][number],
  withFingerprints: boolean,
): LogRecord {
  const base = { topic, partition, offset, value: value.slice() }
  return withFingerprints && fingerprints !== undefined ? { ...base, fingerprints: fingerprints.slice() } : base
}

function boundsOf(store: Data['store'], topic: Topic) {
  return (store.get(topic) ?? []).map(({ first, records }, partition) => ({
    partition,
    first,
    next: first + records.length,
  }))
}

function nextChange(wakers: Set<() => void>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const wake = () => {
      clearTimeout(timer)
      wakers.delete(wake)
      signal.removeEventListener('abort', wake)
      resolve()
    }
    const timer = setTimeout(wake, Math.max(1, ms))
    signal.addEventListener('abort', wake, { once: true })
    wakers.add(wake)
  })
}
