import type { Clock } from '../../core/clock.ts'
import type { Logger } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import { assign } from './assign.ts'
import type { Cluster } from './cluster.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Owned,
} from './group-protocol.ts'
import { hasId, isPassing, toLogError } from './kafka-errors.ts'

/** The talk of one member with its group's coordinator: join, sync, heartbeat, leave. It never holds anything itself. */
export interface GroupSession {
  start(): void
  generation(): number
  memberId(): string
  /** Take part in a new sharing out, because what `claims` says has changed, or somebody said so. */
  rejoin(): void
  /** The coordinator does not know this member any more. */
  lost(): void
  leave(): Promise<void>
}

export interface GroupSessionOptions {
  readonly cluster: Cluster
  readonly clock: Clock
  readonly logger: Logger
  readonly group: string
  /** Kafka's names. */
  readonly topics: readonly string[]
  readonly partitionsOf: (topic: string) => number
  readonly sessionMs: number
  /** What this member holds and has not let go. */
  readonly claims: () => Owned
  readonly onAssignment: (assigned: Owned) => void
  readonly onLost: () => void
  /** It cannot be a member, and trying again does not help. */
  readonly onFailed: (error: PipelineError) => void
}

/** Of Kafka's own consumers none knows it, so none can join such a group by mistake. */
const protocol = 'millrace-cooperative'
/** How long the others wait for a member that does not come when all are called. */
const rebalanceMs = 30_000
const heartbeatMs = 500
const leaveMs = 2_000

export function createGroupSession(options: GroupSessionOptions): GroupSession {
  const { cluster, clock, logger, group, sessionMs } = options
  const ending = new AbortController()
  const { signal } = ending
  /** A join waits in the broker until all have come. */
  const lane = `group ${group} ${Math.random()}`
  const call = { signal, lane, timeoutMs: rebalanceMs + 15_000 }
  let memberId = ''
  let generation = -1
  let mustJoin = true
  let wake = () => {}
  let running = Promise.resolve()

  function lose(): void {
    if (memberId === '') return
    memberId = ''
    generation = -1
    mustJoin = true
    options.onLost()
    wake()
  }

  async function join(): Promise<void> {
    mustJoin = false
    const metadata = encodeSubscription({ topics: options.topics, owned: options.claims(), generation })
    const joined = await cluster
      .call(
        { group },
        'joinGroup',
        [group, sessionMs, rebalanceMs, memberId, null, 'consumer', [{ name: protocol, metadata }], null],
        call,
      )
      .catch((error: unknown) => {
        // The coordinator gives the id first, so that a join whose answer is lost leaves no ghost.
        const { response } = error as { response?: { readonly memberId?: string } }
        if (!hasId(error, 'MEMBER_ID_REQUIRED') || response?.memberId === undefined) throw error
        memberId = response.memberId
        return undefined
      })
    if (joined === undefined) {
      mustJoin = true
      return
    }
    memberId = joined.memberId
    const isLeader = joined.leader === memberId
    const shares = isLeader
      ? assign(
          new Map(joined.members.map((member) => [member.memberId, decodeSubscription(member.metadata)])),
          options.partitionsOf,
        )
      : new Map<string, Owned>()
    const synced = await cluster.call(
      { group },
      'syncGroup',
      [
        group,
        joined.generationId,
        memberId,
        null,
        'consumer',
        protocol,
        [...shares].map(([id, owned]) => ({ memberId: id, assignment: encodeAssignment(owned) })),
      ],
      call,
    )
    generation = joined.generationId
    options.onAssignment(decodeAssignment(synced.assignment))
  }

  async function beat(): Promise<void> {
    await cluster.call({ group }, 'heartbeat', [group, generation, memberId, null], call)
  }

  /** Returns whether to go on at once. */
  function take(error: unknown): boolean {
    if (hasId(error, 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID')) {
      lose()
      return true
    }
    if (hasId(error, 'REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION')) {
      mustJoin = true
      return true
    }
    if (!isPassing(error)) {
      options.onFailed(toLogError(error, `take part in group ${group}`))
      ending.abort(new PipelineError('unavailable', 'the member is leaving'))
      return false
    }
    cluster.forget()
    logger.debug({ err: error, group }, 'Kafka: the coordinator of the group is away; trying again')
    return false
  }

  async function run(): Promise<void> {
    let heard = clock.now()
    while (!signal.aborted) {
      let isFine = true
      const joins = mustJoin
      try {
        if (joins) await join()
        else await beat()
        heard = clock.now()
      } catch (error) {
        if (signal.aborted) return
        isFine = take(error)
        mustJoin ||= joins
        // A join is lost with its connection, and the coordinator takes who does not beat for dead.
        if (!isFine && generation !== -1 && clock.now() - heard > rebalanceMs + sessionMs) lose()
      }
      if (isFine && mustJoin) continue
      await Promise.race([
        clock.sleep(isFine ? Math.min(heartbeatMs, sessionMs / 4) : 200, signal).catch(() => {}),
        new Promise<void>((resolve) => {
          wake = resolve
        }),
      ])
    }
  }

  return {
    start() {
      running = run()
    },
    generation: () => generation,
    memberId: () => memberId,
    rejoin() {
      mustJoin = true
      wake()
    },
    lost: lose,
    async leave() {
      ending.abort(new PipelineError('unavailable', 'the member is leaving'))
      wake()
      await running
      cluster.closeLane(lane)
      if (memberId === '') return
      const id = memberId
      memberId = ''
      try {
        await cluster.call({ group }, 'leaveGroup', [group, [{ memberId: id }]], {
          signal: AbortSignal.timeout(leaveMs),
        })
      } catch (error) {
        // The coordinator finds out by itself, within the session's time.
        logger.debug({ err: error, group }, 'Kafka: could not take leave of the group')
      }
    },
  }
}
