import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { assign } from './assign.ts'
import {
  decodeAssignment,
  decodeSubscription,
  encodeAssignment,
  encodeSubscription,
  type Owned,
  type Subscription,
} from './group-protocol.ts'

const counts: Readonly<Record<string, number>> = { events: 8, outcomes: 1, 'ümlaut.topic': 3 }
const partitionsOf = (topic: string) => counts[topic] ?? 0
const flat = (owned: Owned) => [...owned].flatMap(([topic, partitions]) => partitions.map((p) => `${topic}/${p}`))
const all = Object.entries(counts).flatMap(([topic, count]) => Array.from({ length: count }, (_, p) => `${topic}/${p}`))
const topics = Object.keys(counts)

const owned = fc
  .uniqueArray(fc.constantFrom(...all))
  .map(
    (keys) =>
      new Map(
        topics.map((topic) => [
          topic,
          keys.filter((key) => key.startsWith(`${topic}/`)).map((key) => Number(key.split('/')[1])),
        ]),
      ),
  )
const subscription: fc.Arbitrary<Subscription> = fc.record({
  topics: fc.constant(topics),
  owned,
  generation: fc.integer({ min: -1, max: 5 }),
})
const members = fc
  .uniqueArray(fc.tuple(fc.uuid(), subscription), { minLength: 1, maxLength: 10, selector: ([id]) => id })
  .map((list) => new Map(list))

describe('sharing out partitions', () => {
  it('never gives a partition to two, nor one away that another still holds', () => {
    fc.assert(
      fc.property(members, (given) => {
        const shares = assign(given, partitionsOf)
        const out = [...shares.values()].flatMap(flat)
        expect(new Set(out).size).toBe(out.length)
        for (const [id, share] of shares)
          for (const key of flat(share)) {
            const holders = [...given].filter(([, member]) => flat(member.owned).includes(key))
            const latest = Math.max(...holders.map(([, { generation }]) => generation))
            const entitled = holders.filter(([, { generation }]) => generation === latest).map(([holder]) => holder)
            expect(entitled.length === 0 || entitled.includes(id)).toBe(true)
          }
      }),
    )
  })

  it('settles: when each lets go what it is not given, the next round gives out all, evenly, and then nothing moves', () => {
    fc.assert(
      fc.property(members, (given) => {
        const follow = (before: ReadonlyMap<string, Subscription>, generation: number) =>
          new Map([...assign(before, partitionsOf)].map(([id, share]) => [id, { topics, owned: share, generation }]))
        const settled = follow(follow(given, 10), 11)
        expect([...settled.values()].flatMap((member) => flat(member.owned)).toSorted()).toEqual(all.toSorted())
        for (const topic of topics) {
          const sizes = [...settled.values()].map((member) => member.owned.get(topic)?.length ?? 0)
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
        }
        expect(follow(settled, 12)).toEqual(new Map([...settled].map(([id, m]) => [id, { ...m, generation: 12 }])))
      }),
    )
  })

  it('takes no more from who holds partitions than a newcomer must get', () => {
    const one: Subscription = {
      topics: ['events'],
      owned: new Map([['events', [0, 1, 2, 3, 4, 5, 6, 7]]]),
      generation: 1,
    }
    const two: Subscription = { topics: ['events'], owned: new Map(), generation: -1 }
    const shares = assign(
      new Map([
        ['one', one],
        ['two', two],
      ]),
      partitionsOf,
    )
    expect(flat(shares.get('one') as Owned)).toHaveLength(4)
    expect(flat(shares.get('two') as Owned)).toEqual([])
  })

  it('gives topics only to those that read them', () => {
    const reads = (topic: string): Subscription => ({ topics: [topic], owned: new Map(), generation: -1 })
    const shares = assign(
      new Map([
        ['a', reads('events')],
        ['b', reads('outcomes')],
      ]),
      partitionsOf,
    )
    expect(flat(shares.get('b') as Owned)).toEqual(['outcomes/0'])
    expect(flat(shares.get('a') as Owned)).toHaveLength(8)
  })
})

describe('what members tell each other', () => {
  it('comes back as it was written', () => {
    fc.assert(
      fc.property(subscription, (given) => {
        expect(decodeSubscription(encodeSubscription(given))).toEqual(given)
        expect(decodeAssignment(encodeAssignment(given.owned))).toEqual(given.owned)
      }),
    )
  })

  it('may be nothing', () => {
    expect(decodeAssignment(Buffer.alloc(0))).toEqual(new Map())
  })
})
