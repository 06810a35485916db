import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import { codeOf, never, text } from '../log.contract.ts'
import type { Log, Membership, Topic } from '../log.ts'
import { createEmbeddedLog } from './create-embedded-log.ts'

/*
 * The embedded log against a plain model of it. What the model cannot try is the loss of un-synced writes in a power cut: LMDB
 * writes in native code, by pwrite and through a memory map, so there is no seam at which a forgetful file could be put. The order
 * of its system calls stands in for it (sync-before-ack.driver.test.ts), and kill -9 (processes.driver.test.ts).
 */
const partitions = 2
const places: readonly (readonly [Topic, number])[] = [
  ['events', 0],
  ['events', 1],
  ['outcomes', 0],
]
type Group = 'a' | 'b'

interface Model {
  readonly records: Map<string, { first: number; values: string[] }>
  readonly committed: Map<string, { offset: number; note: string }>
}

interface Real {
  log: Log
  readonly members: Map<Group, Membership>
  reopen(): Promise<void>
}

type Command = fc.AsyncCommand<Model, Real>
const keyOf = (topic: Topic, partition: number) => `${topic}/${partition}`
const held = (model: Model, topic: Topic, partition: number) => {
  const found = model.records.get(keyOf(topic, partition))
  if (found === undefined) throw new Error('no such place')
  return found
}
const nextOf = (place: { first: number; values: string[] }) => place.first + place.values.length

async function memberOf(real: Real, group: Group): Promise<Membership> {
  const known = real.members.get(group)
  if (known !== undefined) return known
  const joined = await real.log.join(group, ['events', 'outcomes'], async () => {}, never)
  real.members.set(group, joined)
  return joined
}

const command = (name: string, run: (model: Model, real: Real) => Promise<void>): Command => ({
  check: () => true,
  run,
  toString: () => name,
})

const append = fc
  .array(
    fc.record({
      place: fc.constantFrom(...places),
      size: fc.constantFrom(0, 1, 100, 1990, 2100, 9000),
      tag: fc.nat(999),
    }),
    {
      minLength: 1,
      maxLength: 5,
    },
  )
  .map((items) =>
    command(
      `append(${items.map(({ place, size }) => `${place.join('/')}:${size}`).join(' ')})`,
      async (model, real) => {
        const records = items.map(({ place: [topic, partition], size, tag }) => {
          return { topic, partition, value: Buffer.from(`${tag}`.padEnd(size, '.')) }
        })
        const positions = await real.log.append(records, {}, never)
        for (const [i, { topic, partition, value }] of records.entries()) {
          const place = held(model, topic, partition)
          expect(positions[i]).toEqual({ topic, partition, offset: nextOf(place) })
          place.values.push(value.toString())
        }
      },
    ),
  )

const read = fc
  .record({ place: fc.constantFrom(...places), from: fc.nat(40), bytes: fc.constantFrom(1, 500, 5000, 1e6) })
  .map(({ place: [topic, partition], from, bytes }) =>
    command(`read(${topic}/${partition} from ${from}, ${bytes} bytes)`, async (model, real) => {
      const { first, values } = held(model, topic, partition)
      const reading = real.log.read({ topic, partition, offset: from }, { bytes, waitMs: 0 }, never)
      if (from < first) return expect(await codeOf(reading)).toBe('trimmed')
      const found = await reading
      const expected: string[] = []
      let sum = 0
      for (const value of values.slice(from - first)) {
        if (expected.length > 0 && sum + value.length > bytes) break
        expected.push(value)
        sum += value.length
      }
      expect(found.map(({ value }) => text(value))).toEqual(expected)
      expect(found.map(({ offset }) => offset)).toEqual(expected.map((_, i) => from + i))
    }),
  )

const commit = fc
  .record({
    group: fc.constantFrom<Group>('a', 'b'),
    place: fc.constantFrom(...places),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
    note: fc.option(fc.string({ maxLength: 20 }), { nil: undefined }),
    withRecord: fc.boolean(),
  })
  .map(({ group, place: [topic, partition], part, note, withRecord }) =>
    command(`commit(${group}, ${topic}/${partition}${withRecord ? ', with a record' : ''})`, async (model, real) => {
      const place = held(model, topic, partition)
      const offset = place.first + Math.floor(part * place.values.length)
      const membership = await memberOf(real, group)
      const positions = [{ topic, partition, offset }]
      if (withRecord) {
        const value = Buffer.from('dead letter')
        await real.log.append(
          [{ topic: 'events', partition: 0, value }],
          { commit: { membership, positions, ...(note === undefined ? {} : { note }) } },
          never,
        )
        held(model, 'events', 0).values.push(value.toString())
      } else await real.log.commit(membership, positions, note)
      for (const [otherTopic, other] of places) {
        const key = `${group} ${keyOf(otherTopic, other)}`
        const before = model.committed.get(key)
        if (otherTopic === topic && other === partition)
          model.committed.set(key, { offset, note: note ?? before?.note ?? '' })
        // A note is of the member, so it is kept with all it owns.
        else if (note !== undefined)
          model.committed.set(key, { offset: before?.offset ?? held(model, otherTopic, other).first, note })
      }
    }),
  )

const trim = fc
  .record({ place: fc.constantFrom(...places), offset: fc.nat(50) })
  .map(({ place: [topic, partition], offset }) =>
    command(`trim(${topic}/${partition} before ${offset})`, async (model, real) => {
      await real.log.trim({ topic, partition, offset })
      const place = held(model, topic, partition)
      const gone = Math.min(Math.max(0, offset - place.first), place.values.length)
      place.values.splice(0, gone)
      place.first += gone
    }),
  )

const look = fc.constantFrom<Group>('a', 'b').map((group) =>
  command(`look(${group})`, async (model, real) => {
    for (const topic of ['events', 'outcomes'] as const)
      expect(await real.log.bounds(topic)).toEqual(
        places
          .filter((place) => place[0] === topic)
          .map(([, partition]) => ({
            partition,
            first: held(model, topic, partition).first,
            next: nextOf(held(model, topic, partition)),
          })),
      )
    const committed = new Map(
      (await real.log.committed(group)).map(({ topic, partition, offset, note }) => [
        `${group} ${keyOf(topic, partition)}`,
        { offset, note },
      ]),
    )
    expect(committed).toEqual(new Map([...model.committed].filter(([key]) => key.startsWith(`${group} `))))
  }),
)

const reopen = fc.constant(command('reopen', (_, real) => real.reopen()))
const leave = fc.constantFrom<Group>('a', 'b').map((group) =>
  command(`leave(${group})`, async (_, real) => {
    await real.members.get(group)?.leave()
    real.members.delete(group)
  }),
)

it('does what the plain model does, whatever comes in whatever order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.commands([append, append, read, commit, trim, look, reopen, leave], { maxCommands: 60, size: 'max' }),
      async (commands) => {
        const dir = mkdtempSync(join(tmpdir(), 'millrace-log-model-'))
        const open = async () => {
          const log = createEmbeddedLog(
            { dir, partitions },
            { clock: systemClock, logger: silentLogger, metrics: new Registry() },
          )
          await log.start(never)
          return log
        }
        const real: Real = {
          log: await open(),
          members: new Map(),
          async reopen() {
            await real.log.stop()
            real.members.clear()
            real.log = await open()
          },
        }
        try {
          const records = new Map(
            places.map(([topic, partition]) => [keyOf(topic, partition), { first: 0, values: [] }]),
          )
          await fc.asyncModelRun(() => ({ model: { records, committed: new Map() }, real }), commands)
        } finally {
          await real.log.stop()
          rmSync(dir, { recursive: true })
        }
      },
    ),
    { numRuns: 25 },
  )
}, 60_000)
