import { PipelineError } from '../../core/errors.ts'
import type { NewRecord } from '../log.ts'
import type { Cluster, Place } from './cluster.ts'
import { hasId } from './kafka-errors.ts'
import { keyOf, type Layout } from './layout.ts'
import type { PreparedCommit } from './offsets.ts'
import { fingerprintsHeader, transactionHeader } from './records.ts'

/** The transactions of one epoch of a producer, one after another. After a failure it is not used again. */
export interface Transaction {
  /** Sends all, visible to nobody; resolves with the offsets, in the order of the records. */
  write(records: readonly NewRecord[], commit: PreparedCommit | undefined): Promise<readonly number[]>
  commit(): Promise<void>
}

export interface TransactionOptions {
  readonly cluster: Cluster
  readonly layout: Layout
  readonly transactionalId: string
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly maxRecordBytes: number
  readonly maxOffset: number
}

/** Of one Kafka batch: a reader gets whole ones. */
const targetBatchBytes = 2 * 2 ** 20
const produceMs = 10_000
/** The markers of the transaction before are still being written: a matter of milliseconds. */
const markersMs = 15_000
const never = new AbortController().signal
const options = { signal: never, lane: 'write' }

interface Part {
  readonly topic: string
  readonly partition: number
  readonly name: string
  readonly numbers: readonly number[]
}

export function createTransaction({
  cluster,
  layout,
  transactionalId,
  producerId,
  producerEpoch,
  maxRecordBytes,
  maxOffset,
}: TransactionOptions): Transaction {
  const { kafka } = cluster
  /** Next sequence number by `topic:partition`, as the client's encoder asks for it. */
  const sequences = new kafka.NumericMap()
  const coordinator: Place = { transaction: transactionalId }
  let number = 0

  async function addPartitions(parts: readonly Part[]): Promise<void> {
    const byTopic = new Map<string, number[]>()
    for (const { topic, partition } of parts) byTopic.set(topic, [...(byTopic.get(topic) ?? []), partition])
    const names = [...byTopic].map(([name, partitions]) => ({ name, partitions: [...new Set(partitions)] }))
    await whileMarkersAreWritten(() =>
      cluster.call(
        coordinator,
        'addPartitionsToTxn',
        [[{ transactionalId, producerId, producerEpoch, verifyOnly: false, topics: names }]],
        options,
      ),
    )
  }

  /** One request per leader with a batch of each of its partitions, then the next ones: leaders side by side. */
  async function produce(parts: readonly Part[], records: readonly NewRecord[], offsets: number[]): Promise<void> {
    const named = nameOf(producerId, producerEpoch, number++)
    const byLeader = new Map<number, Part[][]>()
    const rounds = new Map<string, number>()
    for (const part of parts) {
      const leader = await cluster.leaderOf(part.topic, part.partition, never)
      if (leader === -1) throw new PipelineError('unavailable', `Kafka has no leader for ${part.name} now`)
      const round = rounds.get(part.name) ?? 0
      rounds.set(part.name, round + 1)
      const requests = byLeader.get(leader) ?? []
      byLeader.set(leader, requests)
      requests[round] = [...(requests[round] ?? []), part]
    }
    await Promise.all(
      [...byLeader].map(async ([node, requests]) => {
        for (const request of requests) await produceTo(node, request, records, named, offsets)
      }),
    )
  }

  async function produceTo(
    node: number,
    parts: readonly Part[],
    records: readonly NewRecord[],
    named: Buffer,
    offsets: number[],
  ): Promise<void> {
    const timestamp = BigInt(Date.now())
    const messages = parts.flatMap(({ topic, partition, numbers }) =>
      numbers.map((number) => {
        const { value, fingerprints } = records[number] as NewRecord
        return {
          topic,
          partition,
          timestamp,
          value: asBuffer(value),
          headers: new Map([
            [transactionHeader, named],
            ...(fingerprints === undefined ? [] : [[fingerprintsHeader, asBuffer(fingerprints)] as const]),
          ]),
        }
      }),
    )
    const answer = await cluster.call(
      { node },
      'produce',
      [-1, produceMs, messages, { transactionalId, producerId, producerEpoch, sequences }],
      options,
    )
    const bases = new Map<string, number>()
    for (const { name, partitionResponses } of answer.responses)
      for (const { index, baseOffset } of partitionResponses) bases.set(`${name}:${index}`, Number(baseOffset))
    for (const { topic, partition, name, numbers } of parts) {
      const base = bases.get(`${topic}:${partition}`)
      if (base === undefined) throw new PipelineError('internal', `Kafka did not say where it put records of ${name}`)
      sequences.postIncrement(`${topic}:${partition}`, numbers.length, 0)
      for (let i = 0; i < numbers.length; i++) offsets[numbers[i] as number] = base + i
      if (base + numbers.length - 1 > maxOffset)
        throw new PipelineError(
          'config',
          `partition ${name} has given out all its ${maxOffset + 1} offsets: begin a new log under another log.topicPrefix once load has caught up`,
        )
    }
  }

  return {
    async write(records, commit) {
      const offsets = Array<number>(records.length).fill(-1)
      const parts = split(records, layout, Math.min(targetBatchBytes, maxRecordBytes))
      if (parts.length > 0) await addPartitions(parts)
      await Promise.all([produce(parts, records, offsets), commit === undefined ? undefined : addOffsets(commit)])
      return offsets
    },
    async commit() {
      await cluster.call(coordinator, 'endTxn', [transactionalId, producerId, producerEpoch, true], options)
    },
  }

  async function addOffsets({ group, memberId, generation, offsets }: PreparedCommit): Promise<void> {
    await whileMarkersAreWritten(() =>
      cluster.call(coordinator, 'addOffsetsToTxn', [transactionalId, producerId, producerEpoch, group], options),
    )
    await cluster.call(
      { group },
      'txnOffsetCommit',
      [transactionalId, group, producerId, producerEpoch, generation, memberId, null, [...offsets]],
      options,
    )
  }

  async function whileMarkersAreWritten(attempt: () => Promise<unknown>): Promise<void> {
    const deadline = Date.now() + markersMs
    for (let waitMs = 1; ; waitMs = Math.min(waitMs * 2, 20)) {
      try {
        await attempt()
        return
      } catch (error) {
        if (!hasId(error, 'CONCURRENT_TRANSACTIONS') || Date.now() > deadline) throw error
        await new Promise((resolve) => setTimeout(resolve, waitMs))
      }
    }
  }
}

/** Of one transaction, unlike any other's. */
function nameOf(producerId: bigint, producerEpoch: number, number: number): Buffer {
  const name = Buffer.alloc(14)
  name.writeBigInt64BE(producerId, 0)
  name.writeInt16BE(producerEpoch, 8)
  name.writeUInt32BE(number, 10)
  return name
}

/** By partition, in the order of the records, into batches of at most `bytes`, or of one record. */
function split(records: readonly NewRecord[], layout: Layout, bytes: number): Part[] {
  const parts: (Part & { numbers: number[]; bytes: number })[] = []
  const last = new Map<string, (typeof parts)[number]>()
  for (const [number, { topic, partition, value, fingerprints }] of records.entries()) {
    const size = value.length + (fingerprints?.length ?? 0) + 100
    const name = keyOf(topic, partition)
    let part = last.get(name)
    if (part === undefined || part.bytes + size > bytes) {
      part = { topic: layout.nameOf(topic), partition, name, numbers: [], bytes: 0 }
      parts.push(part)
      last.set(name, part)
    }
    part.numbers.push(number)
    part.bytes += size
  }
  return parts
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
