import { randomUUID } from 'node:crypto'
import type { ConnectionOptions } from '@platformatic/kafka'
import { Gauge } from 'prom-client'
import type { Deps } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import type { GroupCommit, Log, Membership } from '../log.ts'
import { type Cluster, createCluster, nodeAt } from './cluster.ts'
import { createEnds, type Ends } from './ends.ts'
import { findEpoch } from './epoch.ts'
import { createLayout, type Layout } from './layout.ts'
import { createMember, type Member } from './member.ts'
import { createMoment } from './moment.ts'
import { fetchCommitted } from './offsets.ts'
import { dismissPredecessors } from './predecessors.ts'
import { createProducer, type Producer } from './producer.ts'
import { createReader, type Reader } from './reader.ts'
import { createSize, type Size } from './size.ts'
import { openTopics } from './topics.ts'

export interface KafkaLogOptions {
  readonly brokers: readonly string[]
  readonly topicPrefix: string
  /** Of `events`; the other topics, with far less in them, have one. */
  readonly partitions: number
  readonly retentionHours: number
  readonly replicationFactor?: number
  readonly connection?: () => Pick<ConnectionOptions, 'sasl' | 'tls' | 'tlsServerName'>
  /**
   * Of the one process that may append under it. With it the log fences at its start: what a predecessor left open is aborted, and a
   * predecessor that still lives can write no more. Without one: made anew, at the first append.
   */
  readonly transactionalId?: () => string
  /** A member of which nothing is heard for so long is taken for dead. */
  readonly sessionMs?: number
  /** How long to ask what became of an append whose answer was lost, before it is `unknown_result`. */
  readonly decideMs?: number
  /** Above it appends are refused: to try out the end of a log. */
  readonly maxOffset?: number
}

interface Running {
  readonly cluster: Cluster
  readonly layout: Layout
  readonly ends: Ends
  readonly producer: Producer
  readonly reader: Reader
  readonly moment: Log['moment']
  readonly size: Size
  readonly epoch: number
  readonly name: string
}

const never = new AbortController().signal
/** A log position has 32 bits for it. */
const maxOffsetOfAll = 2 ** 32 - 1

/** The log in a Kafka cluster: records.ts and epoch.ts draw what is in its topics, producer.ts says when an append is certain. */
export function createKafkaLog(options: KafkaLogOptions, deps: Deps): Log {
  const { logger, clock } = deps
  const maxOffset = options.maxOffset ?? maxOffsetOfAll
  for (const broker of options.brokers) nodeAt(broker)
  const members = new Map<Membership, Member>()
  const joinedBefore = new Set<string>()
  let running: Running | undefined
  let stopping: Promise<void> | undefined
  let hideBytes = () => {}

  const up = (): Running => {
    if (running === undefined || stopping !== undefined)
      throw new PipelineError('unavailable', 'the log is not running')
    return running
  }
  const memberOf = (membership: Membership): Member => {
    const member = members.get(membership)
    if (member === undefined)
      throw new PipelineError('stale_membership', `the member of group ${membership.group} has left`)
    return member
  }

  async function open(signal: AbortSignal): Promise<Running> {
    // The client is loaded only where it is used.
    const kafka = await import('@platformatic/kafka')
    const name = options.transactionalId?.() ?? `${options.topicPrefix}${randomUUID()}`
    const cluster = createCluster({
      kafka,
      clientId: name,
      brokers: options.brokers,
      connection: options.connection?.() ?? {},
      clock,
    })
    try {
      const layout = createLayout(options.topicPrefix, options.partitions)
      const found = await openTopics(
        {
          cluster,
          layout,
          logger,
          partitions: options.partitions,
          retentionHours: options.retentionHours,
          replicationFactor: options.replicationFactor,
        },
        signal,
      )
      const epoch = await findEpoch(cluster, found, signal)
      const ends = createEnds(cluster, layout)
      for (const { partition, next } of await ends.bounds('events', signal))
        if (next > maxOffset * 0.75)
          logger.warn(
            { partition, next, maxOffset },
            'Kafka: a partition has given out most of its offsets; plan to begin a new log under another log.topicPrefix',
          )
      const producer = createProducer({
        cluster,
        layout,
        clock,
        logger,
        transactionalId: name,
        maxRecordBytes: found.maxRecordBytes,
        maxOffset,
        onReplaced: (error) => {
          logger.error({ err: error }, 'Kafka: the log cannot be written by this process any more')
          deps.fatal?.(error)
        },
        ...(options.decideMs === undefined ? {} : { decideMs: options.decideMs }),
        prepareCommit: ({ membership, positions, note }: GroupCommit) => memberOf(membership).prepare(positions, note),
      })
      if (options.transactionalId !== undefined) await producer.fence(signal)
      const reader = createReader({ cluster, layout, clock, firstOf: ends.firstOf })
      const moment = createMoment({ ends, reader, clock })
      const size = createSize(cluster, layout, ends, logger)
      return { cluster, layout, ends, producer, reader, moment, size, epoch, name }
    } catch (error) {
      cluster.close()
      throw error
    }
  }

  async function close(): Promise<void> {
    hideBytes()
    if (running === undefined) return
    const { cluster, producer, reader } = running
    reader.stop()
    await producer.stop()
    await Promise.allSettled([...members.keys()].map((membership) => membership.leave()))
    cluster.close()
  }

  return {
    async start(signal) {
      signal.throwIfAborted()
      running = await open(signal)
      hideBytes = showBytes(deps, () => up().size.bytes(AbortSignal.timeout(5000)))
    },
    stop() {
      stopping ??= close()
      return stopping
    },
    epoch: () => up().epoch,
    partitions: (topic) => up().layout.partitionsOf(topic),
    // `async`, so that a log that is down rejects and never throws.
    append: async (records, { commit }, signal) => {
      if (commit !== undefined) memberOf(commit.membership)
      return up().producer.append(records, commit, signal)
    },
    async read(from, limit, signal) {
      const { producer, reader } = up()
      await producer.settle(signal)
      return reader.read(from, limit, signal)
    },
    async join(group, joined, onAssigned, signal) {
      signal.throwIfAborted()
      const { cluster, layout, ends, name } = up()
      if (!/^[A-Za-z0-9._-]{1,100}$/.test(group))
        throw new PipelineError('config', `group name ${JSON.stringify(group)}: expected 1 to 100 of A-Z a-z 0-9 . _ -`)
      if (!joinedBefore.has(group)) await dismissPredecessors(cluster, groupName(layout, group), name, logger, signal)
      joinedBefore.add(group)
      const member = createMember({
        cluster,
        layout,
        ends,
        clock,
        logger,
        name: group,
        group: groupName(layout, group),
        topics: joined,
        onAssigned,
        sessionMs: options.sessionMs ?? 10_000,
        onLeft: () => members.delete(member.membership),
      })
      members.set(member.membership, member)
      try {
        await member.joined(signal)
      } catch (error) {
        await member.membership.leave()
        throw error
      }
      return member.membership
    },
    commit: async (membership, positions, note) => {
      up()
      await memberOf(membership).commit(positions, note)
    },
    async committed(group) {
      const { cluster, layout } = up()
      return fetchCommitted(cluster, layout, groupName(layout, group), never)
    },
    async bounds(topic) {
      const { producer, ends } = up()
      await producer.settle(never)
      return ends.bounds(topic, never)
    },
    async moment(signal) {
      const { producer, moment } = up()
      await producer.settle(signal)
      return moment(signal)
    },
    trim: async (before) => up().ends.trim(before, never),
    bytes: async () => up().size.bytes(never),
  }
}

/** Groups of two logs in one cluster are two. */
function groupName({ prefix }: Layout, group: string): string {
  return `${prefix}${group}`
}

function showBytes({ metrics, logger }: Deps, bytes: () => Promise<number>): () => void {
  const name = 'millrace_log_bytes'
  if (metrics.getSingleMetric(name) !== undefined) return () => {}
  const gauge = new Gauge({
    name,
    help: 'Bytes that the records held by the log take on disk',
    registers: [metrics],
    async collect() {
      try {
        gauge.set(await bytes())
      } catch (error) {
        logger.debug({ err: error }, 'Kafka: the size of the log is not known now')
      }
    },
  })
  return () => metrics.removeSingleMetric(name)
}
