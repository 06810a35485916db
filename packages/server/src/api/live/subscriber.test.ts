import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { liveConfig } from './config.ts'
import { createInterest } from './interest.ts'
import { messageOf } from './message.ts'
import type { SharedRoom, Transport } from './outbox.ts'
import { createSubscriber, type Subscriber } from './subscriber.ts'

interface Told {
  readonly type: string
  readonly missed?: number
  readonly topic?: string
}

/** A connection whose reader takes as much as it is told to. */
function reader(config: object = {}, shared: SharedRoom = { pending: 0, limit: 1e9 }) {
  const told: Told[] = []
  let room = 0
  const transport: Transport = {
    framing: 'sse',
    write(bytes) {
      told.push(JSON.parse(/data: (.*)\n\n$/s.exec(Buffer.from(bytes).toString())![1]!) as Told)
      return --room > 0
    },
    onDrain: () => {},
  }
  const counts = { messages: 0, missed: 0 }
  const subscriber = createSubscriber({
    id: 's',
    project: 'p',
    interest: createInterest(['*'], []),
    transport,
    config: liveConfig.parse(config),
    shared,
    counts,
  })
  return {
    subscriber,
    told,
    counts,
    read(messages: number) {
      room = messages
      transport.onDrain()
    },
  }
}

const event = (number: number, text = '') =>
  messageOf([{ json: Buffer.from(JSON.stringify({ type: 'event', topic: `t.${number}`, text })), cursor: 'm1.x' }])
const missedOf = (told: readonly Told[]) => told.reduce((sum, { missed }) => sum + (missed ?? 0), 0)
const offer = (subscriber: Subscriber, number: number, now = 0) => subscriber.offer(event(number), number, now)

describe('a reader that does not read', () => {
  it('is told backpressure once, keeps its bound, and is told the gap before what comes next', () => {
    const { subscriber, told, read, counts } = reader({ maxPendingMessages: 10, messageBurst: 1e6 })
    for (let number = 1; number <= 100; number++) offer(subscriber, number)
    expect(counts.messages).toBe(12) // one in the socket, ten that wait, and `backpressure`
    read(1000)
    expect(told.map(({ type }) => type)).toEqual([...Array<string>(11).fill('event'), 'backpressure'])
    offer(subscriber, 101)
    expect(told.slice(12)).toEqual([{ type: 'gap', missed: 89 }, expect.objectContaining({ topic: 't.101' })])
    expect(counts.missed).toBe(89)
  })

  it('is told the gap also when nothing comes next', () => {
    const { subscriber, told, read } = reader({ maxPendingMessages: 10, messageBurst: 1e6 })
    for (let number = 1; number <= 20; number++) offer(subscriber, number)
    subscriber.settle(20, 0)
    read(1000)
    subscriber.settle(20, 0)
    subscriber.settle(20, 0)
    expect(told.filter(({ type }) => type === 'gap')).toEqual([{ type: 'gap', missed: 9 }])
  })

  it('has a bound in bytes too, and a message larger than it is sent when nothing waits', () => {
    const { subscriber, counts, read, told } = reader({ maxPendingBytes: 1000 })
    subscriber.offer(event(1, 'x'.repeat(5000)), 1, 0)
    subscriber.offer(event(2, 'x'.repeat(5000)), 2, 0)
    subscriber.offer(event(3), 3, 0)
    expect(counts.messages).toBe(3) // two events and `backpressure`
    read(10)
    expect(told.map(({ type }) => type)).toEqual(['event', 'event', 'backpressure'])
  })

  it('cannot make the server hold more than the bound of all together', () => {
    const shared = { pending: 0, limit: 20_000 }
    const readers = Array.from({ length: 100 }, () => reader({}, shared))
    for (let number = 1; number <= 50; number++)
      for (const { subscriber } of readers) subscriber.offer(event(number, 'x'.repeat(1000)), number, 0)
    // Each has one message in its socket and, at the worst, one in its queue: everyone must get some.
    expect(shared.pending).toBeLessThan(20_000 + 100 * 1200 + 100 * 100)
    for (const { subscriber } of readers) subscriber.close()
    expect(shared.pending).toBe(0)
  })

  it('and asks on is told to be deaf', () => {
    const { subscriber } = reader({ maxPendingMessages: 5 })
    const answers = Array.from({ length: 100 }, () => subscriber.tell({ type: 'pong' }))
    expect([answers[0], answers.at(-1)]).toEqual([true, false])
  })
})

it('sends so many messages a second, and tells what went by', () => {
  const { subscriber, told, read } = reader({ messagesPerSecond: 10, messageBurst: 10 })
  read(1e6)
  for (let number = 1; number <= 30; number++) offer(subscriber, number, 1000)
  offer(subscriber, 31, 1500)
  expect(told.filter(({ type }) => type === 'event').length).toBe(11)
  expect(told.filter(({ type }) => type !== 'event')).toEqual([{ type: 'gap', missed: 20 }])
})

it('shows or tells every event exactly once, however its reader stops and goes', () => {
  const step = fc.oneof(
    fc.record({ events: fc.integer({ min: 1, max: 30 }) }),
    fc.record({ read: fc.integer({ min: 0, max: 40 }) }),
    fc.record({ wait: fc.integer({ min: 0, max: 500 }) }),
    fc.constant({ settle: true }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const { subscriber, told, read, counts } = reader({
        maxPendingMessages: 8,
        messagesPerSecond: 50,
        messageBurst: 20,
      })
      let now = 0
      let number = 0
      for (const each of steps) {
        if ('events' in each) for (let i = 0; i < each.events; i++) offer(subscriber, ++number, now)
        else if ('read' in each) read(each.read)
        else if ('wait' in each) now += each.wait
        else subscriber.settle(number, now)
      }
      read(1e9)
      subscriber.settle(number, now + 1e6)
      const shown = told.filter(({ type }) => type === 'event').map(({ topic }) => Number(topic!.slice(2)))
      expect(shown).toEqual([...new Set(shown)].sort((a, b) => a - b))
      expect(shown.length + missedOf(told)).toBe(number)
      expect(counts.missed).toBe(missedOf(told))
    }),
  )
})
