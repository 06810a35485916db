import { randomInt, randomUUID } from 'node:crypto'
import { Gauge } from 'prom-client'
import type { Deps, Metrics } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import { type Bounds, type GroupCommit, type Log, type Topic, topics } from '../log.ts'
import { type Appender, createAppender } from './appender.ts'
import { type Bell, openBell } from './bell.ts'
import { type Environment, openEnvironment, type Write } from './environment.ts'
import { createGroupStore, type GroupStore } from './group-store.ts'
import { formatKey, formatVersion, numbers, partitionKey } from './keys.ts'
import { floorOf, headOf, type Layout } from './layout.ts'
import { openLease } from './lease.ts'
import { createMembers, type Members } from './members.ts'
import { createReader } from './reader.ts'
import { createTrimmer, type Trimmer } from './trimmer.ts'

export interface EmbeddedLogOptions {
  readonly dir: string
  /** Of `events`; the other topics, with far less in them, have one. */
  readonly partitions: number
  /** A member that gave no sign of life for so long is taken for dead. A dead process is noticed at once. */
  readonly leaseMs?: number
  /** Address space, not memory and not disk. */
  readonly mapBytes?: number
}

interface Running {
  readonly env: Environment
  readonly bell: Bell
  readonly layout: Layout
  readonly epoch: number
  readonly appender: Appender
  readonly read: Log['read']
  readonly groups: GroupStore
  readonly members: Members
  readonly trimmer: Trimmer
}

/** The log in one LMDB environment: keys.ts draws it. Any number of processes of one machine may have it open. */
export function createEmbeddedLog(options: EmbeddedLogOptions, deps: Deps): Log {
  let running: Running | undefined
  let stopping: Promise<void> | undefined
  let hideBytes = () => {}

  const up = (): Running => {
    if (running === undefined) throw new PipelineError('unavailable', 'the log is not running')
    return running
  }

  async function open(): Promise<Running> {
    const env = openEnvironment({ dir: options.dir, mapBytes: options.mapBytes ?? 2 ** 40, onFailed: deps.fatal })
    try {
      const { epoch, partitions } = await found(env, options)
      const layout: Layout = { env, partitionsOf: (topic) => (topic === 'events' ? partitions : 1) }
      const bell = openBell(options.dir)
      const groups = createGroupStore(layout)
      const instance = randomUUID()
      const leaseMs = options.leaseMs ?? 10_000
      const lease = openLease(options.dir, instance, leaseMs, deps.clock)
      const members = createMembers({ layout, groups, lease, leaseMs, instance, deps })
      const trimmer = createTrimmer(layout)
      const prepareCommit = ({ membership, positions, note }: GroupCommit) =>
        groups.prepareCommit(membership.group, members.memberOf(membership), positions, note)
      const appender = createAppender({ layout, bell, clock: deps.clock, prepareCommit })
      return {
        env,
        bell,
        layout,
        epoch,
        appender,
        read: createReader(layout, bell),
        groups,
        members,
        trimmer,
      }
    } catch (error) {
      await env.close()
      throw error
    }
  }

  async function close(): Promise<void> {
    if (running === undefined) return
    const { env, bell, appender, members } = running
    hideBytes()
    await appender.stop()
    await members.stop()
    running = undefined
    const closed = env.close()
    bell.close()
    await closed
  }

  return {
    async start(signal) {
      signal.throwIfAborted()
      running = await open()
      hideBytes = showBytes(
        deps.metrics,
        () => running?.trimmer.bytes() ?? 0,
        () => running?.env.fileBytes() ?? 0,
      )
    },
    stop() {
      stopping ??= close()
      return stopping
    },
    epoch: () => up().epoch,
    partitions: (topic) => up().layout.partitionsOf(topic),
    // `async`, so that a log that is down rejects and never throws.
    append: async (records, { commit }, signal) => up().appender.append(records, commit, signal),
    read: async (from, limit, signal) => up().read(from, limit, signal),
    join: async (group, joined, onAssigned, signal) => up().members.join(group, joined, onAssigned, signal),
    commit: async (membership, positions, note) => {
      await up().appender.append(
        [],
        { membership, positions, ...(note === undefined ? {} : { note }) },
        new AbortController().signal,
      )
    },
    async committed(group) {
      const { env, groups } = up()
      env.refresh()
      return groups.committed(group)
    },
    async bounds(topic) {
      const { env, layout } = up()
      env.refresh()
      return boundsOf(layout, topic)
    },
    async moment() {
      const { env, layout } = up()
      env.refresh()
      // In one turn, so on one snapshot, in which every append is whole.
      const ends = topics.flatMap((topic) => boundsOf(layout, topic).map((bounds) => ({ topic, ...bounds })))
      return { ends, includes: () => true }
    },
    trim: async (before) => up().trimmer.trim(before),
    bytes: async () => up().trimmer.bytes(),
  }
}

function boundsOf({ env, partitionsOf }: Layout, topic: Topic): Bounds[] {
  return Array.from({ length: partitionsOf(topic) }, (_, partition) => ({
    partition,
    first: floorOf(env, topic, partition).first,
    next: headOf(env, topic, partition).next,
  }))
}

/** The log's own facts: made by whoever comes first, then the same for ever. */
async function found(env: Environment, options: EmbeddedLogOptions): Promise<{ epoch: number; partitions: number }> {
  if (env.entry('meta', formatKey) === undefined) {
    const made = { epoch: randomInt(1, 256), partitions: options.partitions }
    const writes: Write[] = [
      { tree: 'meta', key: formatKey, value: Buffer.from(JSON.stringify(made)), version: formatVersion },
    ]
    for (const topic of topics)
      for (let partition = 0; partition < (topic === 'events' ? options.partitions : 1); partition++)
        for (const tree of ['heads', 'floors'] as const)
          writes.push({ tree, key: partitionKey(topic, partition), value: numbers(0, 0), version: 0 })
    await env.transact([{ tree: 'meta', key: formatKey, version: null }], writes)
    env.refresh()
  }
  const entry = env.entry('meta', formatKey)
  if (entry === undefined) throw new PipelineError('corrupt', `the log in ${options.dir} has no format entry`)
  if (entry.version > formatVersion)
    throw new PipelineError(
      'newer_version',
      `the log in ${options.dir} has format ${entry.version}, this release reads up to ${formatVersion}: use a newer one`,
    )
  const { epoch, partitions } = JSON.parse(entry.value.toString()) as { epoch: number; partitions: number }
  if (partitions !== options.partitions)
    throw new PipelineError(
      'config',
      `log.partitions is ${options.partitions}, but the log in ${options.dir} was made with ${partitions}: set it back to that`,
    )
  return { epoch, partitions }
}

/** Returns what takes the metrics away again, so that the next log of the same process can show its own. */
function showBytes(metrics: Metrics, live: () => number, file: () => number): () => void {
  const shown = [
    { name: 'millrace_log_bytes', help: 'Bytes that the records held by the log take on disk', value: live },
    {
      name: 'millrace_log_file_bytes',
      help: 'Size of the log file, which keeps what it once needed and uses it anew',
      value: file,
    },
  ].filter(({ name }) => metrics.getSingleMetric(name) === undefined)
  for (const { name, help, value } of shown)
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect() {
        this.set(value())
      },
    })
  return () => {
    for (const { name } of shown) metrics.removeSingleMetric(name)
  }
}
