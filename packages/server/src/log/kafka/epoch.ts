import { randomInt } from 'node:crypto'
import { PipelineError } from '../../core/errors.ts'
import type { Cluster } from './cluster.ts'
import { decodeFetched } from './records.ts'
import type { FoundTopics } from './topics.ts'

/*
 * The topic `<prefix>meta`: one JSON record for each time the log's topics were made,
 *
 *   {"format": 1, "epoch": 1…255, "topics": {"events": <Kafka's topic id>, …}}
 *
 * never removed. The first record that names the topics' present ids counts, so that processes which make it together agree. Topics
 * that were deleted and made anew begin at offset 0 again: they have other ids, and so get an epoch that was never used before.
 */
interface MetaRecord {
  readonly format: number
  readonly epoch: number
  readonly topics: Readonly<Record<string, string>>
}

const format = 1
const askMs = 30_000
const readBytes = 2 ** 20

export async function findEpoch(cluster: Cluster, found: FoundTopics, signal: AbortSignal): Promise<number> {
  const present = JSON.stringify(sorted(found.ids))
  for (let tries = 0; ; tries++) {
    const records = await readMeta(cluster, found.meta, signal)
    const newer = records.find((record) => record.format > format)
    if (newer !== undefined)
      throw new PipelineError(
        'newer_version',
        `the log of topic ${found.meta} has format ${newer.format}, this release reads up to ${format}: use a newer one`,
      )
    const mine = records.find((record) => JSON.stringify(sorted(record.topics)) === present)
    if (mine !== undefined) return mine.epoch
    if (tries > 0) throw new PipelineError('corrupt', `topic ${found.meta} does not keep what is written to it`)
    const used = new Set(records.map(({ epoch }) => epoch))
    const free = Array.from({ length: 255 }, (_, i) => i + 1).filter((epoch) => !used.has(epoch))
    if (free.length === 0)
      throw new PipelineError(
        'config',
        `the topics of ${found.meta} were made anew 255 times: use another log.topicPrefix`,
      )
    await write(
      cluster,
      found.meta,
      { format, epoch: free[randomInt(free.length)] as number, topics: found.ids },
      signal,
    )
  }
}

function sorted(ids: Readonly<Record<string, string>>): [string, string][] {
  return Object.entries(ids).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

async function readMeta(cluster: Cluster, topic: string, signal: AbortSignal): Promise<MetaRecord[]> {
  const records: MetaRecord[] = []
  for (let offset = 0; ; ) {
    const partition = await cluster.persist(`read ${topic}`, askMs, signal, async () => {
      const facts = await cluster.topic(topic, signal)
      if (facts === undefined) throw new PipelineError('unavailable', `Kafka does not know topic ${topic} now`)
      const asked = {
        partition: 0,
        currentLeaderEpoch: -1,
        fetchOffset: BigInt(offset),
        lastFetchedEpoch: -1,
        partitionMaxBytes: readBytes,
      }
      const answer = await cluster.call(
        { topic, partition: 0 },
        'fetch',
        [0, 1, readBytes, 0, 0, -1, [{ topicId: facts.id, partitions: [asked] }], [], ''],
        { signal },
      )
      return answer.responses[0]?.partitions[0]
    })
    if (partition === undefined) throw new PipelineError('unavailable', `Kafka said nothing about ${topic}`)
    const decoded = decodeFetched(partition, offset)
    for (const { value } of decoded.records) records.push(parse(topic, value))
    if (decoded.next === offset) return records
    offset = decoded.next
  }
}

function parse(topic: string, value: Uint8Array): MetaRecord {
  try {
    const record = JSON.parse(Buffer.from(value).toString()) as MetaRecord
    if (Number.isInteger(record.epoch) && record.epoch >= 1 && record.epoch <= 255) return record
  } catch {
    // Said below.
  }
  throw new PipelineError('corrupt', `topic ${topic} holds a record that Millrace did not write`)
}

async function write(cluster: Cluster, topic: string, record: MetaRecord, signal: AbortSignal): Promise<void> {
  const message = { topic, partition: 0, timestamp: BigInt(Date.now()), value: Buffer.from(JSON.stringify(record)) }
  // Twice does no harm: the first one counts.
  await cluster.persist(`write ${topic}`, askMs, signal, () =>
    cluster.call({ topic, partition: 0 }, 'produce', [-1, 10_000, [message], {}], { signal }),
  )
}
