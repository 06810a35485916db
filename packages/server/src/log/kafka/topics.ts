import type { Logger } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import { topics } from '../log.ts'
import type { Answer, Cluster, TopicFacts } from './cluster.ts'
import { hasId, idsOf, toLogError } from './kafka-errors.ts'
import type { Layout } from './layout.ts'

/** The log's topics: made where they are missing, looked at where they are not. */
export interface FoundTopics {
  /** Kafka's ids, given out anew whenever a topic is made. */
  readonly ids: Readonly<Record<string, string>>
  readonly meta: string
  /** What the brokers let through, less a batch's own. */
  readonly maxRecordBytes: number
}

export interface TopicsOptions {
  readonly cluster: Cluster
  readonly layout: Layout
  readonly logger: Logger
  readonly partitions: number
  readonly retentionHours: number
  readonly replicationFactor: number | undefined
}

/** A record holds up to a batch's events of one partition, and a body 20 MB. */
const maxMessageBytes = 32 * 2 ** 20
const batchOverhead = 4096
const segmentBytes = 64 * 2 ** 20
const askMs = 30_000
const configResourceTopic = 2

export async function openTopics(options: TopicsOptions, signal: AbortSignal): Promise<FoundTopics> {
  const { cluster, layout } = options
  const meta = `${layout.prefix}meta`
  const wanted = [
    ...topics.map((topic) => ({ name: layout.nameOf(topic), partitions: layout.partitionsOf(topic) })),
    { name: meta, partitions: 1 },
  ]
  const look = () =>
    cluster.persist('find the topics', askMs, signal, async () => {
      cluster.forget()
      return Promise.all(wanted.map(({ name }) => cluster.topic(name, signal)))
    })
  let facts = await look()
  const missing = wanted.filter((_, i) => facts[i] === undefined)
  if (missing.length > 0) {
    await create(missing, options, signal)
    facts = await cluster.persist('wait for the new topics', askMs, signal, async () => {
      const found = await look()
      if (found.some((topic) => topic === undefined || topic.leaders.includes(-1)))
        throw new PipelineError('unavailable', 'the topics that were just made are not there yet')
      return found
    })
  }
  for (const [i, { name, partitions }] of wanted.entries()) {
    const found = (facts[i] as TopicFacts).leaders.length
    if (found !== partitions)
      throw new PipelineError(
        'config',
        name === layout.nameOf('events')
          ? `log.partitions is ${partitions}, but topic ${name} has ${found}: set it to that, for the number is fixed when the log is made`
          : `topic ${name} has ${found} partitions, expected ${partitions}`,
      )
  }
  const names = wanted.map(({ name }) => name)
  const settings = await describe(cluster, names, options.logger, signal)
  if (settings !== undefined) check(settings, options)
  const limits = [...(settings?.values() ?? [])].map((of) => Number(of.get('max.message.bytes') ?? Number.NaN))
  const limit = Math.min(maxMessageBytes, ...limits.filter((bytes) => bytes > 0))
  return {
    ids: Object.fromEntries(topics.map((topic, i) => [topic, (facts[i] as TopicFacts).id])),
    meta,
    maxRecordBytes: limit - batchOverhead,
  }
}

async function create(
  missing: readonly { readonly name: string; readonly partitions: number }[],
  { cluster, layout, replicationFactor, logger }: TopicsOptions,
  signal: AbortSignal,
): Promise<void> {
  const brokers = (await cluster.nodes(signal)).length
  const replicas = replicationFactor ?? Math.min(3, Math.max(1, brokers))
  const settings = {
    'cleanup.policy': 'delete',
    // Millrace forgets by itself, and never what is not loaded yet.
    'retention.ms': '-1',
    'retention.bytes': '-1',
    'max.message.bytes': String(maxMessageBytes),
    'min.insync.replicas': String(replicas >= 3 ? 2 : 1),
    'unclean.leader.election.enable': 'false',
    'segment.bytes': String(segmentBytes),
  }
  const asked = missing.map(({ name, partitions }) => ({
    name,
    numPartitions: partitions,
    replicationFactor: replicas,
    assignments: [],
    configs: Object.entries(settings).map(([key, value]) => ({ name: key, value })),
  }))
  try {
    await cluster.persist('make the topics', askMs, signal, async () => {
      try {
        await cluster.call({ controller: true }, 'createTopics', [asked, askMs, false], {
          signal,
          timeoutMs: askMs + 5000,
        })
        logger.info({ topics: missing.map(({ name }) => name), replicas }, 'Kafka: made the topics of the log')
      } catch (error) {
        // Another process was faster with some.
        if (!idsOf(error).every((id) => id === 'TOPIC_ALREADY_EXISTS') || idsOf(error).length === 0) throw error
      }
    })
  } catch (error) {
    const cause = error instanceof PipelineError ? error.cause : error
    if (
      !hasId(
        cause,
        'TOPIC_AUTHORIZATION_FAILED',
        'CLUSTER_AUTHORIZATION_FAILED',
        'INVALID_REPLICATION_FACTOR',
        'POLICY_VIOLATION',
        'INVALID_CONFIG',
      )
    )
      throw error
    const flags = Object.entries(settings).map(([key, value]) => `--config ${key}=${value}`)
    const commands = missing.map(
      ({ name, partitions }) =>
        `kafka-topics.sh --create --topic ${name} --partitions ${partitions} --replication-factor ${replicas} ${flags.join(' ')}`,
    )
    throw new PipelineError(
      'config',
      `topics of ${layout.prefix}* are missing and Kafka does not let this user make them so (${[...new Set(idsOf(cause))].join(', ')}). Have them made:\n${commands.join('\n')}`,
      { cause: error },
    )
  }
}

type Settings = ReadonlyMap<string, ReadonlyMap<string, string | null>>

async function describe(
  cluster: Cluster,
  names: readonly string[],
  logger: Logger,
  signal: AbortSignal,
): Promise<Settings | undefined> {
  const asked = names.map((resourceName) => ({
    resourceType: configResourceTopic,
    resourceName,
    configurationKeys: null,
  }))
  try {
    const answer: Answer<'describeConfigs'> = await cluster.persist(
      'read the settings of the topics',
      askMs,
      signal,
      () => cluster.call({ any: true }, 'describeConfigs', [asked as never, false, false], { signal }),
    )
    return new Map(
      answer.results.map(({ resourceName, configs }) => [
        resourceName,
        new Map(configs.map(({ name, value }) => [name, value ?? null])),
      ]),
    )
  } catch (error) {
    const known = toLogError(error, 'read the settings of the topics')
    if (known.code !== 'config') throw known
    logger.warn({ err: known }, 'Kafka: the settings of the topics cannot be checked')
    return undefined
  }
}

/** Refuses what loses events by itself; warns of what only makes it likelier. */
function check(settings: Settings, { logger, retentionHours }: TopicsOptions): void {
  for (const [name, of] of settings) {
    const refuse = (key: string, value: string) =>
      new PipelineError(
        'config',
        `topic ${name} has ${key}=${of.get(key)}, which loses events: kafka-configs.sh --alter --entity-type topics --entity-name ${name} --add-config ${key}=${value}`,
      )
    if (of.get('cleanup.policy')?.includes('compact') === true) throw refuse('cleanup.policy', 'delete')
    const retention = Number(of.get('retention.ms') ?? -1)
    if (retention >= 0 && retention < retentionHours * 3_600_000) throw refuse('retention.ms', '-1')
    if (retention >= 0)
      logger.warn(
        { topic: name, retentionMs: retention },
        'Kafka deletes records after retention.ms whether they are loaded or not; -1 leaves it to Millrace',
      )
    if (Number(of.get('retention.bytes') ?? -1) >= 0) throw refuse('retention.bytes', '-1')
    if (of.get('unclean.leader.election.enable') === 'true') throw refuse('unclean.leader.election.enable', 'false')
  }
}
