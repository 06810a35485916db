import { randomUUID } from 'node:crypto'
import type { Deps } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Committed, Membership, OnAssigned, Topic } from '../log.ts'
import { addMember, claim, type GroupState, type Member, release, removeMembers, surplus } from './group-state.ts'
import type { GroupStore } from './group-store.ts'
import type { Layout } from './layout.ts'
import type { Lease } from './lease.ts'

/** The memberships of one log instance. Each looks after its own part of its group, a few times a second. */
export interface Members {
  join(group: string, topics: readonly Topic[], onAssigned: OnAssigned, signal: AbortSignal): Promise<Membership>
  /** The member behind a Membership of this instance; throws `stale_membership` when it has left, or is another instance's. */
  memberOf(membership: Membership): { readonly id: string; readonly known: ReadonlySet<string> }
  /** All leave. */
  stop(): Promise<void>
}

export interface MembersOptions {
  readonly layout: Layout
  readonly groups: GroupStore
  readonly lease: Lease
  readonly leaseMs: number
  readonly instance: string
  readonly deps: Deps
}

interface LiveMember {
  id: string
  /** Keys of the partitions that `onAssigned` has taken note of: only here a commit may replace notes. */
  known: ReadonlySet<string>
  settle(): Promise<void>
  look(): Promise<void>
  readonly membership: Membership
}

/** How soon a member notices that it should hand something over or may take something. */
const lookEveryMs = 250

export function createMembers(options: MembersOptions): Members {
  const { groups, lease, instance, layout, deps } = options
  const { partitionsOf } = layout
  const live = new Map<Membership, LiveMember>()
  let heart: NodeJS.Timeout | undefined
  let eye: NodeJS.Timeout | undefined

  const beat = () => {
    lease.renew()
    heart ??= setInterval(() => lease.renew(), Math.max(50, options.leaseMs / 4)).unref()
    eye ??= setInterval(() => {
      for (const member of live.values()) void member.look()
    }, lookEveryMs).unref()
  }
  const rest = () => {
    clearInterval(heart)
    clearInterval(eye)
    heart = eye = undefined
    lease.end()
  }

  function createMember(group: string, topics: readonly Topic[], onAssigned: OnAssigned) {
    const newId = () => randomUUID()
    const describe = (id: string): Member => ({ id, instance, pid: process.pid, topics })
    let generation = 0
    /** What `onAssigned` was last told, as keys. */
    let told = ''
    let isSettled = false
    let isLeft = false
    let isLooking = false

    const owned = (): readonly Committed[] => {
      layout.env.refresh()
      return groups.ownedBy(group, self.id)
    }
    const keysOf = (positions: readonly Committed[]) =>
      positions.map(({ topic, partition }) => `${topic}/${partition}`).join()
    async function tell(positions: readonly Committed[]): Promise<void> {
      told = keysOf(positions)
      await onAssigned(positions)
      self.known = new Set(positions.map(({ topic, partition }) => `${topic}/${partition}`))
    }
    const withoutTheDead = (state: GroupState) =>
      removeMembers(state, (member) => member.id !== self.id && !lease.isAlive(member))

    /** One step towards what the group's state asks of this member: give up, then hand over, then take. */
    async function settle(): Promise<void> {
      layout.env.refresh()
      const { state } = groups.read(group)
      if (!state.members.some((member) => member.id === self.id)) {
        // Taken for dead, or the first time. A new id, so that nothing of the old life can pass for the new one's.
        if (told !== '') await tell([])
        self.id = newId()
      } else {
        const leaving = surplus(withoutTheDead(state), self.id, partitionsOf)
        if (leaving.size > 0) {
          await tell(owned().filter(({ topic, partition }) => !leaving.has(`${topic}/${partition}`)))
          await groups.update(group, (now) => release(now, self.id, leaving))
        }
      }
      if (isLeft) return
      const stored = await groups.update(group, (now) => {
        if (isLeft) return now
        const known = now.members.some((member) => member.id === self.id) ? now : addMember(now, describe(self.id))
        return claim(withoutTheDead(known), self.id, partitionsOf)
      })
      generation = stored.generation
      const mine = owned()
      if (keysOf(mine) !== told || !isSettled) await tell(mine)
      isSettled = true
    }

    /** Whether a look can do without writing: nothing changed, and the others live. */
    function isQuiet(): boolean {
      layout.env.refresh()
      const stored = groups.read(group)
      return (
        stored.generation === generation &&
        withoutTheDead(stored.state) === stored.state &&
        surplus(stored.state, self.id, partitionsOf).size === 0
      )
    }

    async function giveUpUnlessLater(error: unknown): Promise<void> {
      if (error instanceof PipelineError && error.retry === 'later') {
        deps.logger.warn({ err: error, group }, 'could not look after the membership; trying again')
        return
      }
      deps.logger.error({ err: error, group }, 'leaving the group: its member failed when told of its partitions')
      await self.membership.leave()
    }

    const self: LiveMember = {
      id: newId(),
      known: new Set(),
      settle,
      async look() {
        if (isLooking || isLeft) return
        isLooking = true
        try {
          if (!isQuiet()) await settle()
        } catch (error) {
          await giveUpUnlessLater(error)
        } finally {
          isLooking = false
        }
      },
      membership: {
        group,
        get generation() {
          return generation
        },
        owned,
        notes: () => [...new Set(owned().map(({ note }) => note ?? ''))].filter((note) => note !== ''),
        note: () => self.membership.notes()[0] ?? '',
        async leave() {
          if (isLeft) return
          isLeft = true
          live.delete(self.membership)
          await groups.update(group, (state) => removeMembers(state, (member) => member.id === self.id))
          if (live.size === 0) rest()
        },
      },
    }
    return self
  }

  return {
    async join(group, topics, onAssigned, signal) {
      signal.throwIfAborted()
      beat()
      const member = createMember(group, topics, onAssigned)
      try {
        await member.settle()
        signal.throwIfAborted()
      } catch (error) {
        await member.membership.leave()
        throw error
      }
      live.set(member.membership, member)
      return member.membership
    },
    memberOf(membership) {
      const member = live.get(membership)
      if (member === undefined)
        throw new PipelineError('stale_membership', `the member of group ${membership.group} has left`)
      return member
    },
    async stop() {
      const left = await Promise.allSettled([...live.keys()].map((membership) => membership.leave()))
      // The others take its partitions all the same, once this process is gone.
      for (const result of left)
        if (result.status === 'rejected') deps.logger.warn({ err: result.reason as unknown }, 'could not leave a group')
      rest()
    },
  }
}
