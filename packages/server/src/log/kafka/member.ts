import type { Logger } from '../../core/deps.ts'
import type { Clock } from '../../core/clock.ts'
import { PipelineError } from '../../core/errors.ts'
import {
  type Committed,
  type Membership,
  maxNoteBytes,
  type OnAssigned,
  type Position,
  type Topic,
  topics,
} from '../log.ts'
import type { Cluster } from './cluster.ts'
import type { Ends } from './ends.ts'
import type { Owned } from './group-protocol.ts'
import { createGroupSession, type GroupSession } from './group-session.ts'
import { hasId } from './kafka-errors.ts'
import { keyOf, type Layout } from './layout.ts'
import { fetchCommitted, type PreparedCommit, toTopicOffsets } from './offsets.ts'

/** One member of a group: what it holds, what it was told, what it commits. */
export interface Member {
  readonly membership: Membership
  /** Resolves after the first `onAssigned`. */
  joined(signal: AbortSignal): Promise<void>
  /** Throws `stale_membership` when it does not hold all of `positions`. */
  prepare(positions: readonly Position[], note: string | undefined): PreparedCommit
  commit(positions: readonly Position[], note: string | undefined): Promise<void>
}

export interface MemberOptions {
  readonly cluster: Cluster
  readonly layout: Layout
  readonly ends: Ends
  readonly clock: Clock
  readonly logger: Logger
  /** As the caller names it. */
  readonly name: string
  /** As Kafka does. */
  readonly group: string
  readonly topics: readonly Topic[]
  readonly onAssigned: OnAssigned
  readonly sessionMs: number
  readonly onLeft: () => void
}

const commitMs = 30_000

export function createMember(options: MemberOptions): Member {
  const { cluster, layout, ends, logger, group, onAssigned } = options
  const ending = new AbortController()
  /** May be committed by this member, and is claimed by it; by key. */
  const held = new Map<string, Committed>()
  /** What the last generation gives this member. */
  let assigned: ReadonlySet<string> = new Set()
  /** What `onAssigned` was last told. */
  let told: ReadonlySet<string> = new Set()
  /** What it has taken note of: only here a commit may replace notes. */
  let known: ReadonlySet<string> = new Set()
  /** All was lost without being asked; `onAssigned` has yet to hear of it. */
  let isBereft = false
  let isTold = false
  let isLeft = false
  /** What is committed is not known here any more, only to who joins anew. */
  let isDoubted = false
  let isSettling = false
  let mustSettle = false
  let committing = Promise.resolve()
  let resolveFirst = () => {}
  let rejectFirst: (error: Error) => void = () => {}
  const first = new Promise<void>((resolve, reject) => {
    resolveFirst = resolve
    rejectFirst = reject
  })
  first.catch(() => {})

  const topicOf = new Map<string, Topic>(topics.map((topic) => [layout.nameOf(topic), topic]))
  const inOrder = (positions: Iterable<Committed>) =>
    [...positions].toSorted((a, b) => topics.indexOf(a.topic) - topics.indexOf(b.topic) || a.partition - b.partition)

  const session: GroupSession = createGroupSession({
    ...options,
    topics: options.topics.map((topic) => layout.nameOf(topic)),
    partitionsOf: (name) => {
      const topic = topicOf.get(name)
      return topic === undefined ? 0 : layout.partitionsOf(topic)
    },
    claims: () => {
      const owned = new Map<string, number[]>()
      for (const { topic, partition } of held.values()) {
        const name = layout.nameOf(topic)
        owned.set(name, [...(owned.get(name) ?? []), partition])
      }
      return owned
    },
    onAssignment(given: Owned) {
      assigned = new Set(
        [...given].flatMap(([name, partitions]) => {
          const topic = topicOf.get(name)
          return topic === undefined ? [] : partitions.map((partition) => keyOf(topic, partition))
        }),
      )
      void settle()
    },
    onLost() {
      // The coordinator has given it away already, or will.
      held.clear()
      assigned = new Set()
      isBereft = true
      void settle()
    },
    onFailed(error) {
      logger.error({ err: error, group }, 'cannot be a member of the group; leaving it')
      void giveUp(error)
    },
  })

  async function tell(positions: readonly Committed[]): Promise<void> {
    told = new Set(positions.map(({ topic, partition }) => keyOf(topic, partition)))
    await onAssigned(positions)
    known = told
    isTold = true
  }

  /** One after another: first let go, then take, until what was told is what is assigned. */
  async function settle(): Promise<void> {
    mustSettle = true
    if (isSettling) return
    isSettling = true
    try {
      while (mustSettle && !isLeft) {
        mustSettle = false
        await step()
      }
      if (isTold) resolveFirst()
    } catch (error) {
      if (isLeft) return
      logger.error({ err: error, group }, 'leaving the group: its member failed when told of its partitions')
      await giveUp(error)
    } finally {
      isSettling = false
    }
  }

  async function step(): Promise<void> {
    if (isBereft) {
      isBereft = false
      if (told.size > 0) await tell([])
      mustSettle = true
      return
    }
    const target = assigned
    const going = [...told].filter((key) => !target.has(key))
    if (going.length > 0) {
      await tell(inOrder([...held.values()].filter((position) => target.has(key(position)))))
      for (const gone of going) held.delete(gone)
      mustSettle = true
      session.rejoin()
      return
    }
    const coming = [...target].filter((name) => !held.has(name))
    if (coming.length === 0) {
      if (!isTold) await tell(inOrder(held.values()))
      return
    }
    const positions = await startOf(coming)
    // Meanwhile the group may have gone on: then this is looked at anew.
    if (target !== assigned || isBereft) {
      mustSettle = true
      return
    }
    for (const position of positions) held.set(key(position), position)
    await tell(inOrder(held.values()))
  }

  const key = ({ topic, partition }: Position) => keyOf(topic, partition)

  async function startOf(names: readonly string[]): Promise<readonly Committed[]> {
    const known = await fetchCommitted(cluster, layout, group, ending.signal)
    return Promise.all(
      names.map(async (name): Promise<Committed> => {
        const found = known.find((position) => key(position) === name)
        if (found !== undefined) return found
        const at = name.lastIndexOf('/')
        const topic = name.slice(0, at) as Topic
        const partition = Number(name.slice(at + 1))
        return { topic, partition, offset: await ends.firstOf({ topic, partition }, ending.signal), note: '' }
      }),
    )
  }

  async function giveUp(error: unknown): Promise<void> {
    rejectFirst(error instanceof Error ? error : new Error(String(error)))
    await leave()
  }

  let leaving: Promise<void> | undefined
  function leave(): Promise<void> {
    leaving ??= (async () => {
      isLeft = true
      held.clear()
      options.onLeft()
      rejectFirst(new PipelineError('unavailable', 'the member left the group'))
      await session.leave()
      ending.abort(new PipelineError('stale_membership', `the member of group ${group} has left`))
    })()
    return leaving
  }

  function stale(detail: string): PipelineError {
    return new PipelineError('stale_membership', `the member no longer owns ${detail} in group ${group}`, {
      details: { group, generation: session.generation() },
    })
  }

  function prepare(positions: readonly Position[], note: string | undefined): PreparedCommit {
    if (note !== undefined && Buffer.byteLength(note) > maxNoteBytes)
      throw new PipelineError('too_large', `note of ${Buffer.byteLength(note)} bytes: at most ${maxNoteBytes}`)
    const stranger = positions.find((position) => !held.has(key(position)))
    if (stranger !== undefined) throw stale(key(stranger))
    if (isLeft || isDoubted || held.size === 0) throw stale('anything')
    const next = new Map(positions.map((position) => [key(position), position.offset]))
    const changed = [...held.values()]
      .filter((before) => next.has(key(before)) || (note !== undefined && known.has(key(before))))
      .map((before) => ({
        ...before,
        offset: next.get(key(before)) ?? before.offset,
        note: (known.has(key(before)) ? note : undefined) ?? before.note ?? '',
      }))
    return {
      group,
      memberId: session.memberId(),
      generation: session.generation(),
      offsets: toTopicOffsets(layout, changed),
      applied() {
        for (const position of changed) if (held.has(key(position))) held.set(key(position), position)
      },
      doubted() {
        isDoubted = true
      },
    }
  }

  async function commitNow(positions: readonly Position[], note: string | undefined): Promise<void> {
    const { signal } = ending
    await cluster.persist(`commit the positions of group ${group}`, commitMs, signal, async () => {
      const prepared = prepare(positions, note)
      if (prepared.offsets.length === 0) return
      try {
        await cluster.call(
          { group },
          'offsetCommit',
          [group, prepared.generation, prepared.memberId, null, [...prepared.offsets]],
          { signal },
        )
      } catch (error) {
        if (hasId(error, 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID')) {
          session.lost()
          throw stale('anything')
        }
        // The group is between two generations; what this member still holds then, it may still commit.
        if (hasId(error, 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS')) {
          session.rejoin()
          throw new PipelineError('unavailable', `group ${group} is sharing out its partitions anew`, { cause: error })
        }
        throw error
      }
      prepared.applied()
    })
  }

  const membership: Membership = {
    group: options.name,
    get generation() {
      return session.generation()
    },
    owned: () => inOrder(held.values()),
    notes: () => [...new Set(inOrder(held.values()).map(({ note }) => note ?? ''))].filter((note) => note !== ''),
    note: () => membership.notes()[0] ?? '',
    leave,
  }
  return {
    membership,
    async joined(signal) {
      session.start()
      const onAbort = () => rejectFirst(signal.reason as Error)
      signal.addEventListener('abort', onAbort, { once: true })
      try {
        await first
      } finally {
        signal.removeEventListener('abort', onAbort)
      }
    },
    prepare,
    commit(positions, note) {
      const done = committing.then(() => commitNow(positions, note))
      committing = done.catch(() => {})
      return done
    },
  }
}
