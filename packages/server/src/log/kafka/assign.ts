import type { Owned, Subscription } from './group-protocol.ts'

/**
 * Who gets what, decided by the member that leads the group; pure. As even as can be, topic by topic, and everybody keeps as much as
 * possible. A partition that must change hands is nobody's in this generation: its holder sees that it is to go, ends its work, joins
 * again without it, and only the next generation gives it out. So no two members ever hold one at once.
 */
export function assign(
  members: ReadonlyMap<string, Subscription>,
  partitionsOf: (topic: string) => number,
): ReadonlyMap<string, Owned> {
  const holders = holdersOf(members)
  const assigned = new Map<string, Map<string, number[]>>([...members.keys()].map((id) => [id, new Map()]))
  const total = new Map<string, number>([...members.keys()].map((id) => [id, 0]))
  const topics = [...new Set([...members.values()].flatMap((member) => member.topics))].toSorted()
  for (const topic of topics) {
    const readers = [...members].filter(([, member]) => member.topics.includes(topic)).map(([id]) => id)
    const holderOf = (partition: number) => {
      const holder = holders.get(`${topic}/${partition}`)
      return holder !== undefined && readers.includes(holder) ? holder : undefined
    }
    const partitions = Array.from({ length: partitionsOf(topic) }, (_, partition) => partition)
    const held = (id: string) => partitions.filter((partition) => holderOf(partition) === id).length
    const quota = quotas(readers, partitions.length, held, (id) => total.get(id) ?? 0)
    const left = new Map(quota)
    const target = new Map<number, string>()
    for (const partition of partitions) {
      const holder = holderOf(partition)
      if (holder === undefined || (left.get(holder) ?? 0) === 0) continue
      target.set(partition, holder)
      left.set(holder, (left.get(holder) ?? 0) - 1)
    }
    for (const partition of partitions) {
      if (target.has(partition)) continue
      const taker = readers.find((id) => (left.get(id) ?? 0) > 0)
      if (taker === undefined) break
      target.set(partition, taker)
      left.set(taker, (left.get(taker) ?? 0) - 1)
    }
    for (const [partition, id] of target) {
      total.set(id, (total.get(id) ?? 0) + 1)
      const holder = holders.get(`${topic}/${partition}`)
      if (holder !== undefined && holder !== id) continue
      const mine = assigned.get(id) as Map<string, number[]>
      mine.set(
        topic,
        [...(mine.get(topic) ?? []), partition].toSorted((a, b) => a - b),
      )
    }
  }
  return assigned
}

/** Of two that say they hold the same, the one that has been in the group more recently. */
function holdersOf(members: ReadonlyMap<string, Subscription>): ReadonlyMap<string, string> {
  const holders = new Map<string, string>()
  for (const [id, { owned, generation }] of members)
    for (const [topic, partitions] of owned)
      for (const partition of partitions) {
        const other = holders.get(`${topic}/${partition}`)
        if (other === undefined || generation > (members.get(other)?.generation ?? -1))
          holders.set(`${topic}/${partition}`, id)
      }
  return holders
}

/** How many each gets: the odd ones to those that hold more already, else to those with least in all. */
function quotas(
  readers: readonly string[],
  count: number,
  held: (id: string) => number,
  total: (id: string) => number,
): ReadonlyMap<string, number> {
  const base = Math.floor(count / Math.max(1, readers.length))
  const odd = count - base * readers.length
  const ranked = readers.toSorted(
    (a, b) => Math.min(held(b), base + 1) - Math.min(held(a), base + 1) || total(a) - total(b) || (a < b ? -1 : 1),
  )
  return new Map(ranked.map((id, i) => [id, base + (i < odd ? 1 : 0)]))
}
