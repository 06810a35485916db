import { PipelineError } from '../core/errors.ts'
import {
  type Bounds,
  type Committed,
  type GroupCommit,
  type Membership,
  maxNoteBytes,
  type OnAssigned,
  type Position,
  type Topic,
} from '../log/log.ts'

interface Member {
  readonly client: object
  readonly topics: readonly Topic[]
  readonly onAssigned: OnAssigned
  /** `<topic>/<partition>` */
  owned: Set<string>
  /** What `onAssigned` has taken note of: only here a commit may replace notes. */
  known: ReadonlySet<string>
  /** Its first `onAssigned` is done; before that nothing is taken from it or given to it. */
  isReady: boolean
}

interface Group {
  generation: number
  readonly positions: Map<string, Committed>
  readonly members: Set<Member>
  balancing: Promise<void>
}

/** Groups of the memory log: who owns which partition, and what is committed. */
export interface MemoryGroups {
  join(client: object, group: string, topics: readonly Topic[], onAssigned: OnAssigned): Promise<Membership>
  /** Throws when the commit may not be. */
  check(client: object, commit: GroupCommit): void
  apply(client: object, commit: GroupCommit): void
  committed(group: string): readonly Committed[]
  /** All members of a client that stops. */
  leave(client: object): void
}

const keyOf = ({ topic, partition }: Position) => `${topic}/${partition}`

export function memoryGroups(bounds: (topic: Topic) => readonly Bounds[]): MemoryGroups {
  const groups = new Map<string, Group>()
  const members = new WeakMap<Membership, Member>()

  const groupOf = (name: string): Group => {
    const group = groups.get(name) ?? {
      generation: 0,
      positions: new Map(),
      members: new Set(),
      balancing: Promise.resolve(),
    }
    groups.set(name, group)
    return group
  }
  const positionsOf = (group: Group, { topics, owned }: Pick<Member, 'topics' | 'owned'>): Committed[] =>
    topics.flatMap((topic) =>
      bounds(topic).flatMap(({ partition, first }) => {
        const key = `${topic}/${partition}`
        if (!owned.has(key)) return []
        return [group.positions.get(key) ?? { topic, partition, offset: first, note: '' }]
      }),
    )
  /** Each partition in turn to those who want its topic. */
  const fairShare = (group: Group, member: Member): Set<string> => {
    const share = new Set<string>()
    for (const topic of member.topics) {
      const wanting = [...group.members].filter(({ topics }) => topics.includes(topic))
      for (const { partition } of bounds(topic))
        if (wanting[partition % wanting.length] === member) share.add(`${topic}/${partition}`)
    }
    return share
  }
  const isFree = (group: Group, key: string) => ![...group.members].some(({ owned }) => owned.has(key))

  async function tell(group: Group, member: Member, owned: Set<string>): Promise<void> {
    try {
      await member.onAssigned(positionsOf(group, { topics: member.topics, owned }))
      member.known = owned
    } catch {
      remove(group, member) // A member that cannot take it is none.
    }
  }

  async function balance(group: Group): Promise<void> {
    for (const member of group.members) {
      const share = fairShare(group, member)
      const kept = new Set([...member.owned].filter((key) => share.has(key)))
      if (!member.isReady || kept.size === member.owned.size) continue
      await tell(group, member, kept)
      if (group.members.has(member)) member.owned = kept
    }
    for (const member of group.members) {
      const gained = [...fairShare(group, member)].filter((key) => isFree(group, key))
      if (!member.isReady || gained.length === 0) continue
      member.owned = new Set([...member.owned, ...gained])
      group.generation++
      await tell(group, member, member.owned)
    }
  }

  function remove(group: Group, member: Member): void {
    if (!group.members.delete(member)) return
    member.owned = new Set()
    group.generation++
    group.balancing = group.balancing.then(() => balance(group))
  }

  return {
    async join(client, name, topics, onAssigned) {
      const group = groupOf(name)
      const member: Member = { client, topics, onAssigned, owned: new Set(), known: new Set(), isReady: false }
      group.members.add(member)
      member.owned = new Set([...fairShare(group, member)].filter((key) => isFree(group, key)))
      group.generation++
      await onAssigned(positionsOf(group, member))
      member.known = member.owned
      member.isReady = true
      group.balancing = group.balancing.then(() => balance(group))
      const notes = () =>
        [...new Set(positionsOf(group, member).map(({ note }) => note ?? ''))].filter((note) => note !== '')
      const membership: Membership = {
        group: name,
        get generation() {
          return group.generation
        },
        owned: () => positionsOf(group, member),
        notes,
        note: () => notes()[0] ?? '',
        leave: async () => remove(group, member),
      }
      members.set(membership, member)
      return membership
    },
    check(client, { membership, positions, note }) {
      const member = members.get(membership)
      if (note !== undefined && Buffer.byteLength(note) > maxNoteBytes)
        throw new PipelineError('too_large', `a note of ${Buffer.byteLength(note)} bytes, at most ${maxNoteBytes}`)
      const owned = member?.client === client ? member.owned : new Set<string>()
      if (owned.size === 0 || !positions.every((position) => owned.has(keyOf(position))))
        throw new PipelineError('stale_membership', `a member of ${membership.group} commits what it does not own`)
    },
    apply(client, commit) {
      this.check(client, commit)
      const { positions } = groupOf(commit.membership.group)
      const offsets = new Map(commit.positions.map((position) => [keyOf(position), position.offset]))
      const known = members.get(commit.membership)?.known
      for (const own of commit.membership.owned()) {
        const offset = offsets.get(keyOf(own))
        const note = known?.has(keyOf(own)) === true ? commit.note : undefined
        if (offset === undefined && note === undefined) continue
        positions.set(keyOf(own), { ...own, offset: offset ?? own.offset, note: note ?? own.note ?? '' })
      }
    },
    committed: (name) => [...groupOf(name).positions.values()],
    leave(client) {
      for (const group of groups.values())
        for (const member of group.members) if (member.client === client) remove(group, member)
    },
  }
}
