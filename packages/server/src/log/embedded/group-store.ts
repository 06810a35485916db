import { PipelineError } from '../../core/errors.ts'
import { type Committed, maxNoteBytes, type Position, type Topic } from '../log.ts'
import type { Condition, Write } from './environment.ts'
import { emptyGroup, type GroupState, owns } from './group-state.ts'
import { groupRange, positionKey, positionValue, readPosition } from './keys.ts'
import { floorOf, type Layout } from './layout.ts'

export interface StoredGroup {
  readonly state: GroupState
  /** 0: there is none yet. */
  readonly generation: number
}

/** A commit made ready: it is right as long as `condition` holds. */
export interface PreparedCommit {
  readonly condition: Condition
  readonly writes: readonly Write[]
}

/** Groups in LMDB: who owns what, and what is committed. */
export interface GroupStore {
  generation(group: string): number
  read(group: string): StoredGroup
  /** Repeats `change` until nobody was faster. It returns its argument when there is nothing to change. */
  update(group: string, change: (state: GroupState) => GroupState): Promise<StoredGroup>
  committed(group: string): readonly Committed[]
  ownedBy(group: string, member: string): readonly Committed[]
  /** Throws `stale_membership` when the member does not own all of `positions`. The note is for the partitions that are `known` to it. */
  prepareCommit(
    group: string,
    member: { readonly id: string; readonly known: ReadonlySet<string> },
    positions: readonly Position[],
    note: string | undefined,
  ): PreparedCommit
}

export function createGroupStore({ env, partitionsOf }: Layout): GroupStore {
  const keyOf = (group: string) => {
    if (!/^[A-Za-z0-9._-]{1,100}$/.test(group))
      throw new PipelineError('config', `group name ${JSON.stringify(group)}: expected 1 to 100 of A-Z a-z 0-9 . _ -`)
    return Buffer.from(group)
  }
  const read = (group: string): StoredGroup => {
    const entry = env.entry('groups', keyOf(group))
    if (entry === undefined) return { state: emptyGroup, generation: 0 }
    return { state: JSON.parse(entry.value.toString()) as GroupState, generation: entry.version }
  }
  const committed = (group: string) =>
    env.range('positions', groupRange(group)).map(({ key, value }) => readPosition(group, key, value))

  const ownedBy = (group: string, member: string): readonly Committed[] => {
    const { state } = read(group)
    const known = committed(group)
    const owned: Committed[] = []
    for (const topic of state.topics)
      for (let partition = 0; partition < partitionsOf(topic); partition++) {
        if (!owns(state, member, topic, partition)) continue
        const found = known.find((position) => position.topic === topic && position.partition === partition)
        owned.push(found ?? { topic, partition, offset: floorOf(env, topic, partition).first, note: '' })
      }
    return owned
  }

  return {
    read,
    ownedBy,
    generation: (group) => env.entry('groups', keyOf(group))?.version ?? 0,
    committed(group) {
      keyOf(group)
      return committed(group)
    },
    async update(group, change) {
      const key = keyOf(group)
      for (;;) {
        env.refresh()
        const { state, generation } = read(group)
        const changed = change(state)
        if (changed === state) return { state, generation }
        const value = Buffer.from(JSON.stringify(changed))
        const isMine = await env.transact(
          [{ tree: 'groups', key, version: generation === 0 ? null : generation }],
          [{ tree: 'groups', key, value, version: generation + 1 }],
        )
        if (isMine) return { state: changed, generation: generation + 1 }
      }
    },
    prepareCommit(group, { id: member, known }, positions, note) {
      if (note !== undefined && Buffer.byteLength(note) > maxNoteBytes)
        throw new PipelineError('too_large', `note of ${Buffer.byteLength(note)} bytes: at most ${maxNoteBytes}`)
      const { state, generation } = read(group)
      const owned = ownedBy(group, member)
      const stranger = positions.find(({ topic, partition }) => !owns(state, member, topic, partition))
      if (stranger !== undefined || owned.length === 0)
        throw new PipelineError(
          'stale_membership',
          `the member no longer owns ${stranger === undefined ? 'anything' : `${stranger.topic}/${stranger.partition}`} in group ${group}`,
          { details: { group, generation } },
        )
      const key = (topic: Topic, partition: number) => `${topic}/${partition}`
      const next = new Map(positions.map((position) => [key(position.topic, position.partition), position.offset]))
      const writes = owned
        .map((before) => ({ before, name: key(before.topic, before.partition) }))
        .filter(({ name }) => next.has(name) || (note !== undefined && known.has(name)))
        .map(
          ({ before, name }): Write => ({
            tree: 'positions',
            key: positionKey(group, before.topic, before.partition),
            value: positionValue(
              next.get(name) ?? before.offset,
              (known.has(name) ? note : undefined) ?? before.note ?? '',
            ),
          }),
        )
      return { condition: { tree: 'groups', key: keyOf(group), version: generation }, writes }
    },
  }
}
