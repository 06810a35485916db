import type { Topic } from '../log.ts'

/**
 * Who owns what in a group, as plain data with pure transitions; kept in LMDB under the group's name, where its version is the
 * generation. A partition has one owner or none. It changes hands only through "none": its owner releases it, leaves, or is dropped
 * as dead; so two members never own it at once, and a commit that is conditional on the generation cannot come from a former owner.
 */
export interface GroupState {
  /** In the order in which they joined. */
  readonly members: readonly Member[]
  /** `topic/partition` → member id */
  readonly owners: Readonly<Record<string, string>>
  /** All that members of this group ever read: what retention must keep for it. */
  readonly topics: readonly Topic[]
}

export interface Member {
  readonly id: string
  /** The process's log instance, whose lease shows that the member lives. */
  readonly instance: string
  readonly pid: number
  readonly topics: readonly Topic[]
}

export type PartitionsOf = (topic: Topic) => number

export const emptyGroup: GroupState = { members: [], owners: {}, topics: [] }

function ownerKey(topic: Topic, partition: number): string {
  return `${topic}/${partition}`
}

export function addMember(state: GroupState, member: Member): GroupState {
  return { ...state, members: [...state.members, member], topics: [...new Set([...state.topics, ...member.topics])] }
}

export function removeMembers(state: GroupState, isGone: (member: Member) => boolean): GroupState {
  const gone = new Set(state.members.filter(isGone).map(({ id }) => id))
  if (gone.size === 0) return state
  const owners = Object.fromEntries(Object.entries(state.owners).filter(([, owner]) => !gone.has(owner)))
  return { ...state, members: state.members.filter(({ id }) => !gone.has(id)), owners }
}

/** Who should own each partition: those who read the topic take turns, in the order in which they joined. */
function targets(state: GroupState, partitionsOf: PartitionsOf): ReadonlyMap<string, string> {
  const target = new Map<string, string>()
  for (const topic of state.topics) {
    const readers = state.members.filter((member) => member.topics.includes(topic))
    for (let partition = 0; partition < partitionsOf(topic) && readers.length > 0; partition++)
      target.set(ownerKey(topic, partition), (readers[partition % readers.length] as Member).id)
  }
  return target
}

/** Take what should be `id`'s and is nobody's. */
export function claim(state: GroupState, id: string, partitionsOf: PartitionsOf): GroupState {
  const free = [...targets(state, partitionsOf)].filter(
    ([key, target]) => target === id && state.owners[key] === undefined,
  )
  return free.length === 0
    ? state
    : { ...state, owners: { ...state.owners, ...Object.fromEntries(free.map(([key]) => [key, id])) } }
}

/** What `id` owns and another member should. */
export function surplus(state: GroupState, id: string, partitionsOf: PartitionsOf): ReadonlySet<string> {
  const target = targets(state, partitionsOf)
  return new Set(Object.keys(state.owners).filter((key) => state.owners[key] === id && target.get(key) !== id))
}

export function release(state: GroupState, id: string, keys: ReadonlySet<string>): GroupState {
  const owners = Object.fromEntries(
    Object.entries(state.owners).filter(([key, owner]) => owner !== id || !keys.has(key)),
  )
  return { ...state, owners }
}

export function owns(state: GroupState, id: string, topic: Topic, partition: number): boolean {
  return state.owners[ownerKey(topic, partition)] === id
}
