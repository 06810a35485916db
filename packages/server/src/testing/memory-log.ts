import { PipelineError } from '../core/errors.ts'
import type { Committed, GroupCommit, Log, LogRecord, NewRecord, OnAssigned, Position, Topic } from '../log/log.ts'
import { topics } from '../log/log.ts'

export interface MemoryLogOptions {
  readonly partitions?: number
  readonly epoch?: number
  /**
   * Called before each append with its number (from 1). What it returns or throws happens to that append:
   * `refuse` rejects and stores nothing; `lose-answer` stores, then rejects with `unknown_result`; `unknown` stores nothing and
   * rejects with `unknown_result`.
   */
  readonly onAppend?: (call: number, records: readonly NewRecord[]) => AppendFate | Promise<AppendFate>
}

export type AppendFate = 'store' | 'refuse' | 'lose-answer' | 'unknown'

interface Partition {
  first: number
  readonly records: Omit<LogRecord, 'topic' | 'partition' | 'offset'>[]
}

interface Member {
  readonly topics: readonly Topic[]
  readonly onAssigned: OnAssigned
}

interface Group {
  generation: number
  readonly positions: Map<string, Committed>
  /** The latest to join owns everything that it asked for. */
  owner: Member | undefined
}

/** A log in memory that keeps the contract of `Log` but for durability; for tests of what stands before and behind it. */
export interface MemoryLog extends Log {
  /** Everything that a topic holds, by partition and offset. */
  all(topic: Topic): readonly LogRecord[]
}

export function memoryLog(options: MemoryLogOptions = {}): MemoryLog {
  const partitionCount = options.partitions ?? 1
  const store = new Map<Topic, Partition[]>(
    topics.map((topic) => [
      topic,
      Array.from({ length: topic === 'events' ? partitionCount : 1 }, () => ({ first: 0, records: [] })),
    ]),
  )
  const groups = new Map<string, Group>()
  let waiting: (() => void)[] = []
  let appends = 0

  const partitionOf = (topic: Topic, partition: number): Partition => {
    const found = store.get(topic)?.[partition]
    if (found === undefined) throw new PipelineError('internal', `no partition ${partition} of ${topic}`)
    return found
  }
  const groupOf = (name: string): Group => {
    const group = groups.get(name) ?? { generation: 0, positions: new Map<string, Committed>(), owner: undefined }
    groups.set(name, group)
    return group
  }
  const keyOf = (position: Position) => `${position.topic}/${position.partition}`
  const ownedBy = (group: Group, member: Member): Committed[] =>
    group.owner !== member
      ? []
      : member.topics.flatMap((topic) =>
          (store.get(topic) ?? []).map(
            (partition, number) =>
              group.positions.get(`${topic}/${number}`) ?? {
                topic,
                partition: number,
                offset: partition.first,
                note: '',
              },
          ),
        )
  const checkCommit = (commit: GroupCommit) => {
    const owned = commit.membership.owned()
    const isOwned = (position: Position) => owned.some((own) => keyOf(own) === keyOf(position))
    if (owned.length === 0 || !commit.positions.every(isOwned))
      throw new PipelineError('stale_membership', `a member of ${commit.membership.group} commits what it does not own`)
  }
  const applyCommit = (commit: GroupCommit) => {
    checkCommit(commit)
    const group = groupOf(commit.membership.group)
    const offsets = new Map(commit.positions.map((position) => [keyOf(position), position.offset]))
    for (const own of commit.membership.owned()) {
      const offset = offsets.get(keyOf(own))
      if (offset === undefined && commit.note === undefined) continue
      group.positions.set(keyOf(own), { ...own, offset: offset ?? own.offset, note: commit.note ?? own.note ?? '' })
    }
  }
  const put = (records: readonly NewRecord[]): Position[] => {
    const positions = records.map((record): Position => {
      const partition = partitionOf(record.topic, record.partition)
      const offset = partition.first + partition.records.length
      const { value, fingerprints } = record
      partition.records.push({
        value: value.slice(),
        ...(fingerprints === undefined ? {} : { fingerprints: fingerprints.slice() }),
      })
      return { topic: record.topic, partition: record.partition, offset }
    })
    for (const wake of waiting.splice(0)) wake()
    return positions
  }

  return {
    async start() {},
    async stop() {
      for (const wake of waiting.splice(0)) wake()
    },
    epoch: () => options.epoch ?? 7,
    partitions: (topic) => store.get(topic)?.length ?? 0,
    async append(records, { commit }, signal) {
      signal.throwIfAborted()
      const fate = (await options.onAppend?.(++appends, records)) ?? 'store'
      if (commit !== undefined) checkCommit(commit)
      if (fate === 'refuse') throw new PipelineError('unavailable', 'the log is full')
      if (fate === 'unknown') throw new PipelineError('unknown_result', 'the log did not answer')
      const positions = put(records)
      if (commit !== undefined) applyCommit(commit)
      // A real log needs a turn of the event loop to sync; callers must not rely on less.
      await new Promise((resolve) => setImmediate(resolve))
      if (fate === 'lose-answer') throw new PipelineError('unknown_result', 'the log did not answer')
      return positions
    },
    async read(from, limit, signal) {
      const partition = partitionOf(from.topic, from.partition)
      const until = Date.now() + limit.waitMs
      while (from.offset >= partition.first + partition.records.length && Date.now() < until) {
        signal.throwIfAborted()
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, Math.max(1, until - Date.now()))
          const wake = () => {
            clearTimeout(timer)
            signal.removeEventListener('abort', wake)
            resolve()
          }
          signal.addEventListener('abort', wake, { once: true })
          waiting.push(wake)
        })
        waiting = waiting.slice(-1000)
      }
      signal.throwIfAborted()
      if (from.offset < partition.first)
        throw new PipelineError('trimmed', `offset ${from.offset} of ${from.topic}/${from.partition} is gone`)
      const found: LogRecord[] = []
      let bytes = 0
      for (let i = from.offset - partition.first; i < partition.records.length; i++) {
        const record = partition.records[i] as Partition['records'][number]
        if (found.length > 0 && bytes + record.value.length > limit.bytes) break
        bytes += record.value.length
        const { topic, partition: number } = from
        const position = { topic, partition: number, offset: partition.first + i }
        const fingerprints =
          limit.fingerprints === true && record.fingerprints !== undefined ? { fingerprints: record.fingerprints } : {}
        found.push({ ...position, value: record.value, ...fingerprints })
      }
      return found
    },
    async join(name, joined, onAssigned, signal) {
      signal.throwIfAborted()
      const group = groupOf(name)
      const before = group.owner
      if (before !== undefined) await before.onAssigned([])
      const member: Member = { topics: joined, onAssigned }
      group.owner = member
      group.generation++
      await onAssigned(ownedBy(group, member))
      const notes = () =>
        [...new Set(ownedBy(group, member).map(({ note }) => note ?? ''))].filter((note) => note !== '')
      return {
        group: name,
        get generation() {
          return group.generation
        },
        owned: () => ownedBy(group, member),
        notes,
        note: () => notes()[0] ?? '',
        async leave() {
          if (group.owner === member) group.owner = undefined
        },
      }
    },
    async commit(membership, positions, note) {
      applyCommit({ membership, positions, ...(note === undefined ? {} : { note }) })
    },
    committed: async (name) => [...(groups.get(name)?.positions.values() ?? [])],
    bounds: async (topic) =>
      (store.get(topic) ?? []).map(({ first, records }, partition) => ({
        partition,
        first,
        next: first + records.length,
      })),
    async trim(before) {
      const partition = partitionOf(before.topic, before.partition)
      const gone = Math.min(Math.max(0, before.offset - partition.first), partition.records.length)
      partition.records.splice(0, gone)
      partition.first += gone
    },
    async bytes() {
      let sum = 0
      for (const partitions of store.values())
        for (const { records } of partitions) for (const record of records) sum += record.value.length
      return sum
    },
    all: (topic) =>
      (store.get(topic) ?? []).flatMap(({ first, records }, partition) =>
        records.map((record, i) => ({ topic, partition, offset: first + i, ...record })),
      ),
  }
}
