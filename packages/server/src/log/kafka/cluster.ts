import { isIP } from 'node:net'
import type { Connection, ConnectionOptions } from '@platformatic/kafka'
import type { Clock } from '../../core/clock.ts'
import { PipelineError } from '../../core/errors.ts'
import { idsOf, isMoved, isPassing, toLogError } from './kafka-errors.ts'

export type Kafka = typeof import('@platformatic/kafka')

/** The requests that we send, as their newest form; older ones take and give the same. */
interface Apis {
  metadata: Kafka['metadataV12']['api']
  findCoordinator: Kafka['findCoordinatorV6']['api']
  initProducerId: Kafka['initProducerIdV5']['api']
  addPartitionsToTxn: Kafka['addPartitionsToTxnV3']['api']
  addOffsetsToTxn: Kafka['addOffsetsToTxnV4']['api']
  txnOffsetCommit: Kafka['txnOffsetCommitV4']['api']
  produce: Kafka['produceV11']['api']
  endTxn: Kafka['endTxnV4']['api']
  fetch: Kafka['fetchV17']['api']
  listOffsets: Kafka['listOffsetsV9']['api']
  joinGroup: Kafka['joinGroupV9']['api']
  syncGroup: Kafka['syncGroupV5']['api']
  heartbeat: Kafka['heartbeatV4']['api']
  leaveGroup: Kafka['leaveGroupV5']['api']
  describeGroups: Kafka['describeGroupsV5']['api']
  offsetCommit: Kafka['offsetCommitV9']['api']
  offsetFetch: Kafka['offsetFetchV9']['api']
  createTopics: Kafka['createTopicsV7']['api']
  deleteRecords: Kafka['deleteRecordsV2']['api']
  describeConfigs: Kafka['describeConfigsV4']['api']
  describeLogDirs: Kafka['describeLogDirsV4']['api']
}
export type ApiName = keyof Apis
type Arguments<N extends ApiName> = Apis[N]['async'] extends (connection: Connection, ...rest: infer A) => unknown
  ? A
  : never
export type Answer<N extends ApiName> = Exclude<Awaited<ReturnType<Apis[N]['async']>>, boolean>

/** Lowest and highest version that we speak. What is above 3 of `addPartitionsToTxn` is for brokers among themselves. */
const versions: Readonly<Record<ApiName, readonly [number, number]>> = {
  metadata: [10, 12],
  findCoordinator: [4, 6],
  initProducerId: [3, 5],
  addPartitionsToTxn: [3, 3],
  addOffsetsToTxn: [3, 4],
  txnOffsetCommit: [3, 4],
  produce: [8, 11],
  endTxn: [3, 4],
  fetch: [13, 17],
  listOffsets: [6, 9],
  joinGroup: [6, 9],
  syncGroup: [5, 5],
  heartbeat: [4, 4],
  leaveGroup: [4, 5],
  describeGroups: [5, 5],
  offsetCommit: [8, 9],
  offsetFetch: [8, 9],
  createTopics: [6, 7],
  deleteRecords: [2, 2],
  describeConfigs: [3, 4],
  describeLogDirs: [3, 4],
}

export interface TopicFacts {
  readonly id: string
  /** Leader's node id by partition; -1 while there is none. */
  readonly leaders: readonly number[]
}

export type Place =
  | { readonly node: number }
  | { readonly any: true }
  | { readonly controller: true }
  | { readonly topic: string; readonly partition: number }
  | { readonly group: string }
  | { readonly transaction: string }

export interface CallOptions {
  readonly signal: AbortSignal
  /**
   * A broker answers one request of a connection at a time, so what may take long has a connection of its own. Requests of one lane
   * to one node are answered in their order.
   */
  readonly lane?: string
  readonly timeoutMs?: number
}

/** Connections to a cluster, and where in it things are. Every request is sent once; `persist` repeats. */
export interface Cluster {
  readonly kafka: Kafka
  call<N extends ApiName>(place: Place, name: N, args: Arguments<N>, options: CallOptions): Promise<Answer<N>>
  /** Runs `attempt` until it succeeds, fails for good, or the time is over: then `unavailable`. */
  persist<T>(doing: string, ms: number, signal: AbortSignal, attempt: () => Promise<T>): Promise<T>
  topic(name: string, signal: AbortSignal): Promise<TopicFacts | undefined>
  leaderOf(topic: string, partition: number, signal: AbortSignal): Promise<number>
  nodes(signal: AbortSignal): Promise<readonly number[]>
  /** Ask again where everything is. */
  forget(): void
  closeLane(lane: string): void
  close(): void
}

export interface ClusterOptions {
  readonly kafka: Kafka
  readonly clientId: string
  readonly brokers: readonly string[]
  readonly connection: Pick<ConnectionOptions, 'sasl' | 'tls' | 'tlsServerName'>
  readonly clock: Clock
}

interface Node {
  readonly host: string
  readonly port: number
}

interface Metadata {
  readonly controller: number
  readonly nodes: ReadonlyMap<number, Node>
  readonly topics: Map<string, TopicFacts>
}

interface Link {
  readonly connection: Connection
  readonly versions: ReadonlyMap<number, readonly [number, number]>
  /** The form of each request that both sides know. */
  readonly picked: Map<ApiName, Apis[ApiName]>
}

const requestMs = 10_000
const connectMs = 5_000
const metadataMaxMs = 60_000
const groupCoordinator = 0
const transactionCoordinator = 1

export function createCluster(options: ClusterOptions): Cluster {
  const { kafka, clock } = options
  const links = new Map<string, Promise<Link>>()
  const open = new Map<string, Connection>()
  const coordinators = new Map<string, number>()
  let metadata: { readonly at: number; readonly facts: Promise<Metadata> } | undefined
  const wanted = new Set<string>()
  let isClosed = false

  async function connect(node: Node, key: string, timeoutMs: number): Promise<Link> {
    if (isClosed) throw new PipelineError('unavailable', 'the log is stopping')
    const connection = new kafka.Connection(options.clientId, {
      // A server name may not be an address.
      ...(isIP(node.host) === 0 ? { tlsServerName: true } : {}),
      ...options.connection,
      connectTimeout: connectMs,
      requestTimeout: timeoutMs,
      maxInflights: 1000,
    })
    open.set(key, connection)
    const drop = () => {
      if (open.get(key) !== connection) return
      open.delete(key)
      links.delete(key)
    }
    // A request under way learns of it by itself; without a listener the process would end.
    connection.on('error', drop)
    connection.on('close', drop)
    try {
      await connection.connect(node.host, node.port)
      const { apiKeys } = await kafka.apiVersionsV3.api.async(connection, 'millrace', '1')
      return {
        connection,
        picked: new Map(),
        versions: new Map(apiKeys.map(({ apiKey, minVersion, maxVersion }) => [apiKey, [minVersion, maxVersion]])),
      }
    } catch (error) {
      drop()
      void connection.close()
      throw error
    }
  }

  function linkTo(node: Node, lane: string, timeoutMs: number): Promise<Link> {
    const key = `${lane} ${node.host}:${node.port}`
    const known = links.get(key)
    if (known !== undefined) return known
    const link = connect(node, key, timeoutMs)
    links.set(key, link)
    link.catch(() => {
      if (links.get(key) === link) links.delete(key)
    })
    return link
  }

  async function anyLink(lane: string, timeoutMs: number): Promise<Link> {
    let last: unknown
    const at = Math.floor(Math.random() * options.brokers.length)
    for (let i = 0; i < options.brokers.length; i++) {
      try {
        return await linkTo(nodeAt(options.brokers[(at + i) % options.brokers.length] as string), lane, timeoutMs)
      } catch (error) {
        last = error
      }
    }
    throw last
  }

  async function send<N extends ApiName>(
    link: Link,
    name: N,
    args: Arguments<N>,
    signal: AbortSignal,
  ): Promise<Answer<N>> {
    signal.throwIfAborted()
    // The compiler cannot see that a name's arguments and answer belong together.
    const { async } = pick(link, name) as unknown as {
      async(connection: Connection, ...rest: readonly unknown[]): Promise<Answer<N>>
    }
    return unlessAborted(async(link.connection, ...(args as readonly unknown[])), signal)
  }

  function pick<N extends ApiName>(link: Link, name: N): Apis[N] {
    const known = link.picked.get(name)
    if (known !== undefined) return known as Apis[N]
    const [low, high] = versions[name]
    const forms = kafka as unknown as Record<string, { readonly api: Apis[N] } | undefined>
    const key = forms[`${name}V${high}`]?.api.key ?? -1
    const [theirLow, theirHigh] = link.versions.get(key) ?? [0, -1]
    for (let version = Math.min(high, theirHigh); version >= Math.max(low, theirLow); version--) {
      const form = forms[`${name}V${version}`]
      if (form === undefined) continue
      link.picked.set(name, form.api)
      return form.api
    }
    throw new PipelineError(
      'config',
      `the broker at ${link.connection.host}:${link.connection.port} speaks ${name} in versions ${theirLow} to ${theirHigh}, Millrace in ${low} to ${high}: use Kafka 3.5 or newer`,
    )
  }

  async function load(topics: readonly string[], signal: AbortSignal): Promise<Metadata> {
    const link = await anyLink('main', requestMs)
    const answer = await send(link, 'metadata', [[...topics], false, false], signal).catch((error: unknown) => {
      // A topic that is missing is an answer, too.
      const { response } = error as { response?: Answer<'metadata'> }
      if (response === undefined || idsOf(error).includes('CLUSTER_AUTHORIZATION_FAILED')) throw error
      return response
    })
    const found = new Map<string, TopicFacts>()
    for (const { errorCode, name, topicId, partitions } of answer.topics) {
      if (name === null || name === undefined) continue
      if (errorCode === 29)
        throw new PipelineError(
          'config',
          `Kafka refuses the right to see topic ${name}: grant this user Describe, Read and Write on it`,
        )
      if (errorCode !== 0 && partitions.length === 0) continue
      const leaders = Array<number>(partitions.length).fill(-1)
      for (const { partitionIndex, leaderId } of partitions) leaders[partitionIndex] = leaderId
      found.set(name, { id: topicId, leaders })
    }
    return {
      controller: answer.controllerId,
      nodes: new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }])),
      topics: found,
    }
  }

  /** One request for all that ask at the same time. */
  async function facts(topic: string | undefined, signal: AbortSignal): Promise<Metadata> {
    if (topic !== undefined && !wanted.has(topic)) {
      wanted.add(topic)
      metadata = undefined
    }
    if (metadata === undefined || clock.now() - metadata.at > metadataMaxMs) {
      const asked = { at: clock.now(), facts: load([...wanted], new AbortController().signal) }
      metadata = asked
      asked.facts.catch(() => {
        if (metadata === asked) metadata = undefined
      })
    }
    return unlessAborted(metadata.facts, signal)
  }

  async function coordinator(kind: number, key: string, signal: AbortSignal): Promise<number> {
    const name = `${kind} ${key}`
    const known = coordinators.get(name)
    if (known !== undefined) return known
    const { coordinators: found } = await send(
      await anyLink('main', requestMs),
      'findCoordinator',
      [kind, [key]],
      signal,
    )
    const node = found[0]?.nodeId ?? -1
    coordinators.set(name, node)
    return node
  }

  async function nodeOf(place: Place, signal: AbortSignal): Promise<number> {
    if ('node' in place) return place.node
    if ('group' in place) return coordinator(groupCoordinator, place.group, signal)
    if ('transaction' in place) return coordinator(transactionCoordinator, place.transaction, signal)
    if ('controller' in place) return (await facts(undefined, signal)).controller
    if ('any' in place) return -1
    return cluster.leaderOf(place.topic, place.partition, signal)
  }

  const cluster: Cluster = {
    kafka,
    async call<N extends ApiName>(
      place: Place,
      name: N,
      args: Arguments<N>,
      { signal, lane = 'main', timeoutMs = requestMs }: CallOptions,
    ): Promise<Answer<N>> {
      const node = await nodeOf(place, signal)
      if (node === -1 && !('any' in place))
        throw new PipelineError('unavailable', `Kafka has no leader for ${JSON.stringify(place)} now`)
      const address = node === -1 ? undefined : (await facts(undefined, signal)).nodes.get(node)
      if (node !== -1 && address === undefined) {
        cluster.forget()
        throw new PipelineError('unavailable', `Kafka names node ${node}, which it does not list`)
      }
      const link = await unlessAborted(
        address === undefined ? anyLink(lane, timeoutMs) : linkTo(address, lane, timeoutMs),
        signal,
      )
      return send(link, name, args, signal)
    },
    async persist(doing, ms, signal, attempt) {
      const deadline = clock.now() + ms
      for (let failures = 0; ; failures++) {
        try {
          return await attempt()
        } catch (error) {
          signal.throwIfAborted()
          if (isClosed) throw new PipelineError('unavailable', 'the log is stopping')
          if (!isPassing(error) || clock.now() >= deadline) throw toLogError(error, doing)
          const moved = isMoved(error)
          if (moved) cluster.forget()
          await clock.sleep(Math.min(moved ? 500 : 20, (moved ? 10 : 1) * 2 ** failures), signal)
        }
      }
    },
    topic: async (name, signal) => (await facts(name, signal)).topics.get(name),
    async leaderOf(topic, partition, signal) {
      return (await facts(topic, signal)).topics.get(topic)?.leaders[partition] ?? -1
    },
    nodes: async (signal) => [...(await facts(undefined, signal)).nodes.keys()],
    forget() {
      metadata = undefined
      coordinators.clear()
    },
    closeLane(lane) {
      for (const [key, connection] of open) if (key.startsWith(`${lane} `)) void connection.close()
    },
    close() {
      isClosed = true
      for (const connection of open.values()) void connection.close()
    },
  }
  return cluster
}

/** The answer comes all the same later, to nobody. */
export function unlessAborted<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    answer.catch(() => {})
    return Promise.reject(signal.reason as Error)
  }
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason as Error)
    signal.addEventListener('abort', onAbort, { once: true })
    answer.finally(() => signal.removeEventListener('abort', onAbort)).then(resolve, reject)
  })
}

/** `host:port`, `[v6]:port`; 9092 where no port is given. */
export function nodeAt(address: string): Node {
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d+))?$/.exec(address)
  if (match === null) throw new PipelineError('config', `log.brokers: ${JSON.stringify(address)}: expected host:port`)
  return { host: match[1] ?? (match[2] as string), port: Number(match[3] ?? 9092) }
}
