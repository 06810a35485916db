import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import {
  type Log,
  type LogRecord,
  type Membership,
  maxNoteBytes,
  type NewRecord,
  type Position,
  type Topic,
} from './log.ts'

/** What a driver's test gives to the suite, new for each case: a log with nothing in it and 4 partitions of `events`. */
export interface LogHarness {
  /** A started log, each time another client of the same data. */
  open(): Promise<Log>
  /** Stops all that was opened and removes the data. */
  close(): Promise<void>
}

export interface LogSuiteOptions {
  /** Case → why the driver cannot keep it. */
  readonly skip?: Readonly<Record<string, string>>
}

export const partitions = 4
export const never: AbortSignal = new AbortController().signal
export const text = (value: Uint8Array | undefined): string => Buffer.from(value ?? []).toString()
const bytes = (value: string): Uint8Array => new TextEncoder().encode(value)
export const record = (topic: Topic, partition: number, value: string): NewRecord => ({
  topic,
  partition,
  value: bytes(value),
})
const all = { bytes: 2 ** 30, waitMs: 0 } as const

/** Everything a partition holds from `offset` on. */
export async function readAll(log: Log, topic: Topic, partition: number, offset = 0): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (;;) {
    const last = records.at(-1)
    const more = await log.read({ topic, partition, offset: last === undefined ? offset : last.offset + 1 }, all, never)
    if (more.length === 0) return records
    records.push(...more)
  }
}

export const codeOf = async (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'resolved',
    (error: unknown) => (error instanceof PipelineError ? error.code : `no PipelineError: ${String(error)}`),
  )

const key = ({ topic, partition }: Position) => `${topic}/${partition}`
const ignore = async () => {}

/** Every driver of `Log` keeps this. */
export function testLog(name: string, create: () => Promise<LogHarness>, options: LogSuiteOptions = {}): void {
  const test = (title: string, body: () => Promise<void>) => {
    const reason = options.skip?.[title]
    if (reason === undefined) it(title, body)
    else it.skip(`${title} (${reason})`, body)
  }

  describe(`${name} as a log`, () => {
    let harness: LogHarness
    let log: Log
    beforeEach(async () => {
      harness = await create()
      log = await harness.open()
    })
    afterEach(() => harness.close())

    describe('append and read', () => {
      test('gives back what was appended, to every client', async () => {
        const positions = await log.append([record('events', 1, 'a')], {}, never)
        expect(positions).toMatchObject([{ topic: 'events', partition: 1 }])
        const other = await harness.open()
        for (const reader of [log, other]) {
          const found = await readAll(reader, 'events', 1)
          expect(found).toHaveLength(1)
          expect(found[0]).toMatchObject(positions[0] as Position)
          expect(text(found[0]?.value)).toBe('a')
        }
        expect(await readAll(log, 'events', 0)).toEqual([])
      })

      test('answers with one position per record, in their order, over topics and partitions', async () => {
        const records = [
          record('outcomes', 0, 'o'),
          record('events', 3, 'x'),
          record('quarantine', 0, 'q'),
          record('events', 3, 'y'),
        ]
        const positions = await log.append(records, {}, never)
        expect(positions.map(key)).toEqual(['outcomes/0', 'events/3', 'quarantine/0', 'events/3'])
        for (const [i, position] of positions.entries()) {
          const [found] = await log.read(position, { bytes: 1, waitMs: 0 }, never)
          expect(found).toMatchObject(position)
          expect(text(found?.value)).toBe(text(records[i]?.value))
        }
      })

      test('stores nothing of a call that it refuses', async () => {
        await expect(
          log.append([record('events', 0, 'a'), record('events', 99, 'b')], {}, never),
        ).rejects.toBeInstanceOf(PipelineError)
        expect(await readAll(log, 'events', 0)).toEqual([])
      })

      test('lets offsets rise in the order of the calls', async () => {
        for (let i = 0; i < 20; i++) await log.append([record('events', 0, String(i))], {}, never)
        const found = await readAll(log, 'events', 0)
        expect(found.map(({ value }) => Number(text(value)))).toEqual(Array.from({ length: 20 }, (_, i) => i))
        for (const [i, { offset }] of found.entries()) expect(offset).toBeGreaterThan(found[i - 1]?.offset ?? -1)
      })

      test('keeps every record of appends that overlap, each at its own position', async () => {
        const other = await harness.open()
        const calls = Array.from({ length: 60 }, async (_, i) => {
          const [position] = await (i % 2 ? log : other).append(
            [record('events', 0, `r${i}`), record('outcomes', 0, `o${i}`)],
            {},
            never,
          )
          return [position?.offset, `r${i}`] as const
        })
        const acknowledged = new Map(await Promise.all(calls))
        const found = await readAll(log, 'events', 0)
        expect(acknowledged.size).toBe(60)
        expect(new Map(found.map(({ offset, value }) => [offset, text(value)]))).toEqual(acknowledged)
        expect(new Set((await readAll(log, 'outcomes', 0)).map(({ value }) => text(value))).size).toBe(60)
      })

      test('never shows one half of an append', async () => {
        const reader = await harness.open()
        const done = (async () => {
          for (let i = 0; i < 40; i++)
            await log.append([record('outcomes', 0, String(i)), record('events', 2, String(i))], {}, never)
        })()
        let last = 0
        while (last < 40) {
          // What the second topic shows must be in the first, which is looked at later.
          const second = (await readAll(reader, 'events', 2)).length
          last = (await readAll(reader, 'outcomes', 0)).length
          expect(last).toBeGreaterThanOrEqual(second)
          const again = (await readAll(reader, 'events', 2)).length
          expect(again).toBeGreaterThanOrEqual(last)
          await new Promise((resolve) => setImmediate(resolve))
        }
        await done
      })

      test('knows a moment at which every append is whole or absent, however busy it is', async () => {
        const other = await harness.open()
        const acked: number[] = []
        let number = 0
        // Large enough for a driver to send it in parts.
        const large = 'x'.repeat(1_200_000)
        const write = async (client: Log) => {
          for (let i = 0; i < 4; i++) {
            const mine = number++
            const small = (['outcomes', 'quarantine'] as const).map((topic) => record(topic, 0, `${mine}`))
            const spread = [0, 1, 2, 3].map((at) => record('events', at, `${mine}`))
            const parts = [0, 1, 2].map(() => record('events', 3, `${mine} ${large}`))
            await client.append([...small, ...spread, ...parts], {}, never)
            acked.push(mine)
          }
        }
        let isBusy = true
        const writing = Promise.all([log, other].flatMap((client) => [write(client), write(client)])).finally(() => {
          isBusy = false
        })
        let known: number[] = []
        while (isBusy || known.length < number) {
          await new Promise((resolve) => setImmediate(resolve)) // a log in memory would let nobody else in
          known = [...acked]
          const { ends, includes } = await log.moment(never)
          const seen = new Map<string, number>()
          for (const { topic, partition, next } of ends)
            for (const found of await readAll(log, topic, partition)) {
              const [name = ''] = text(found.value.subarray(0, 8)).split(' ')
              if (found.offset < next && includes(found)) seen.set(name, (seen.get(name) ?? 0) + 1)
            }
          expect([...seen].filter(([, parts]) => parts !== 9)).toEqual([])
          for (const mine of known) expect(seen.has(`${mine}`)).toBe(true)
        }
        await writing
      })

      test('keeps an empty value and one of a megabyte', async () => {
        const big = new Uint8Array(2 ** 20).map((_, i) => i * 7)
        await log.append(
          [
            { topic: 'events', partition: 0, value: new Uint8Array(0) },
            { topic: 'events', partition: 0, value: big },
          ],
          {},
          never,
        )
        const [empty, found] = await readAll(log, 'events', 0)
        expect(empty?.value).toHaveLength(0)
        expect(Buffer.compare(found?.value ?? new Uint8Array(), big)).toBe(0)
      })

      test('hands out copies that later reads and writes leave alone', async () => {
        for (let i = 0; i < 30; i++) await log.append([record('events', 0, `value ${i} `.repeat(i * 20))], {}, never)
        const first = await readAll(log, 'events', 0)
        await log.trim({ topic: 'events', partition: 0, offset: (first.at(-1)?.offset ?? 0) + 1 })
        for (let i = 0; i < 30; i++) await log.append([record('events', 0, `other ${i} `.repeat(i * 20))], {}, never)
        await readAll(log, 'events', 0, (first.at(-1)?.offset ?? 0) + 1)
        expect(first.map(({ value }) => text(value))).toEqual(
          Array.from({ length: 30 }, (_, i) => `value ${i} `.repeat(i * 20)),
        )
      })

      test('keeps fingerprints beside the record and gives them when asked', async () => {
        const fingerprints = new Uint8Array(32).fill(9)
        await log.append([{ ...record('events', 0, 'a'), fingerprints }, record('events', 0, 'b')], {}, never)
        await log.append([{ ...record('events', 1, 'odd'), fingerprints }], {}, never)
        const [a, b] = await log.read(
          { topic: 'events', partition: 0, offset: 0 },
          { ...all, fingerprints: true },
          never,
        )
        expect(Buffer.compare(a?.fingerprints ?? new Uint8Array(), fingerprints)).toBe(0)
        expect(b?.fingerprints).toBeUndefined()
        const odd = await log.read({ topic: 'events', partition: 1, offset: 0 }, { ...all, fingerprints: true }, never)
        for (const { fingerprints: given } of [a, odd[0]] as LogRecord[]) expect((given?.byteOffset ?? 1) % 8).toBe(0)
        expect((await readAll(log, 'events', 0))[0]).not.toHaveProperty('fingerprints')
      })

      test('gathers records up to the bytes asked for, and always one', async () => {
        for (let i = 0; i < 6; i++) await log.append([record('events', 0, 'x'.repeat(100))], {}, never)
        const from = { topic: 'events', partition: 0, offset: 0 } as const
        expect(await log.read(from, { bytes: 250, waitMs: 0 }, never)).toHaveLength(2)
        expect(await log.read(from, { bytes: 1, waitMs: 0 }, never)).toHaveLength(1)
        const some = await log.read(from, { bytes: 300, waitMs: 0 }, never)
        expect(some.length).toBeGreaterThanOrEqual(1)
        const rest = await readAll(log, 'events', 0, (some.at(-1)?.offset ?? 0) + 1)
        expect(some.length + rest.length).toBe(6)
      })

      test('resolves empty when nothing comes, and early when something does', async () => {
        const from = { topic: 'events', partition: 0, offset: 0 } as const
        expect(await log.read(from, { bytes: 1, waitMs: 20 }, never)).toEqual([])
        const reader = await harness.open()
        const waiting = [log, reader].map((client) => client.read(from, { bytes: 100, waitMs: 15_000 }, never))
        await log.append([record('events', 1, 'elsewhere')], {}, never)
        await log.append([record('events', 0, 'here')], {}, never)
        for (const read of await Promise.all(waiting)) expect(read.map(({ value }) => text(value))).toEqual(['here'])
      })

      test('stores nothing of an append whose signal is aborted, and says why', async () => {
        const reason = new PipelineError('cancelled', 'the caller went away')
        await expect(log.append([record('events', 0, 'a')], {}, AbortSignal.abort(reason))).rejects.toBe(reason)
        expect(await readAll(log, 'events', 0)).toEqual([])
      })

      test('ends a waiting read when its signal aborts', async () => {
        const controller = new AbortController()
        const reason = new PipelineError('cancelled', 'enough')
        const waiting = log.read(
          { topic: 'events', partition: 0, offset: 0 },
          { bytes: 1, waitMs: 15_000 },
          controller.signal,
        )
        setTimeout(() => controller.abort(reason), 10)
        await expect(waiting).rejects.toBe(reason)
      })
    })

    describe('bounds and trim', () => {
      test('tells the bounds of every partition', async () => {
        expect(log.partitions('events')).toBe(partitions)
        await log.append([record('events', 2, 'a'), record('events', 2, 'b')], {}, never)
        const bounds = await log.bounds('events')
        expect(bounds.map(({ partition }) => partition)).toEqual([0, 1, 2, 3])
        expect(bounds[0]?.first).toBe(bounds[0]?.next)
        const last = (await readAll(log, 'events', 2)).at(-1)
        expect(bounds[2]?.next).toBeGreaterThan(last?.offset ?? Infinity)
        expect(bounds[2]?.first).toBe(0)
      })

      test('forgets what was trimmed, says so, and never gives its offsets out again', async () => {
        const appended: Position[] = []
        for (let i = 0; i < 10; i++) appended.push(...(await log.append([record('events', 0, String(i))], {}, never)))
        const at = (i: number) => appended[i] as Position
        await log.trim(at(4))
        expect(await codeOf(log.read(at(0), all, never))).toBe('trimmed')
        expect((await readAll(log, 'events', 0, at(4).offset)).map(({ value }) => text(value))).toEqual([
          '4',
          '5',
          '6',
          '7',
          '8',
          '9',
        ])
        await log.trim(at(2))
        expect((await log.bounds('events'))[0]?.first).toBe(at(4).offset)
        const { next } = (await log.bounds('events'))[0] as { next: number }
        await log.trim({ ...at(0), offset: next })
        expect((await log.bounds('events'))[0]).toMatchObject({ first: next, next })
        const [position] = await log.append([record('events', 0, 'new')], {}, never)
        expect(position?.offset).toBeGreaterThanOrEqual(next)
        expect((await readAll(log, 'events', 0, next)).map(({ value }) => text(value))).toEqual(['new'])
      })

      test('counts the bytes it holds, and fewer after a trim', async () => {
        const before = await log.bytes()
        for (let i = 0; i < 10; i++) await log.append([record('events', 0, 'x'.repeat(20_000))], {}, never)
        const full = await log.bytes()
        expect(full - before).toBeGreaterThanOrEqual(200_000)
        await log.trim({ topic: 'events', partition: 0, offset: (await log.bounds('events'))[0]?.next ?? 0 })
        expect(await log.bytes()).toBeLessThan(full)
      })
    })

    describe('groups', () => {
      test('starts a group at the first record, and lets two groups go their own ways', async () => {
        for (let i = 0; i < 5; i++) await log.append([record('outcomes', 0, String(i))], {}, never)
        const one = await log.join('one', ['outcomes'], ignore, never)
        const two = await log.join('two', ['outcomes'], ignore, never)
        expect(one.owned()).toMatchObject([{ topic: 'outcomes', partition: 0, offset: 0 }])
        await log.commit(one, [{ topic: 'outcomes', partition: 0, offset: 3 }])
        expect(one.owned()).toMatchObject([{ offset: 3 }])
        expect(two.owned()).toMatchObject([{ offset: 0 }])
        expect(await log.committed('one')).toMatchObject([{ topic: 'outcomes', partition: 0, offset: 3 }])
        expect(await log.committed('two')).toEqual([])
        expect(await log.committed('nobody')).toEqual([])
      })

      test('calls onAssigned with all partitions before join resolves', async () => {
        const onAssigned = vi.fn(ignore)
        const membership = await log.join('g', ['events', 'outcomes'], onAssigned, never)
        expect(onAssigned).toHaveBeenCalledTimes(1)
        expect(membership.owned().map(key)).toEqual(['events/0', 'events/1', 'events/2', 'events/3', 'outcomes/0'])
      })

      test('keeps the note with the positions until another comes', async () => {
        const membership = await log.join('g', ['events'], ignore, never)
        expect(membership.note()).toBe('')
        await log.commit(membership, [{ topic: 'events', partition: 1, offset: 0 }], 'plan → 1')
        expect(membership.note()).toBe('plan → 1')
        await log.commit(membership, [{ topic: 'events', partition: 2, offset: 0 }])
        expect(membership.notes()).toEqual(['plan → 1'])
        await membership.leave()
        const later = await log.join('g', ['events'], ignore, never)
        await vi.waitFor(() => expect(later.owned()).toHaveLength(partitions), { timeout: 10_000 })
        expect(later.notes()).toEqual(['plan → 1'])
        await log.commit(later, [], '')
        expect(later.note()).toBe('')
        expect(await codeOf(log.commit(later, [], 'x'.repeat(maxNoteBytes + 1)))).toBe('too_large')
      })

      test('refuses the commit of a member that has left, and changes nothing', async () => {
        const membership = await log.join('g', ['outcomes'], ignore, never)
        await log.commit(membership, [{ topic: 'outcomes', partition: 0, offset: 1 }], 'kept')
        await membership.leave()
        await membership.leave()
        expect(await codeOf(log.commit(membership, [{ topic: 'outcomes', partition: 0, offset: 2 }], 'no'))).toBe(
          'stale_membership',
        )
        expect(await log.committed('g')).toMatchObject([{ offset: 1, note: 'kept' }])
      })

      test('shares partitions between two members, each with exactly one owner, and none is lost when one leaves', async () => {
        const other = await harness.open()
        const mine: Position[][] = []
        const one = await log.join('g', ['events'], async (owned) => void mine.push([...owned]), never)
        const two = await other.join('g', ['events'], ignore, never)
        const both = () => [...one.owned(), ...two.owned()].map(key)
        await vi.waitFor(() => expect([one.owned().length, two.owned().length]).toEqual([2, 2]), { timeout: 10_000 })
        expect(both().toSorted()).toEqual(['events/0', 'events/1', 'events/2', 'events/3'])
        expect(two.generation).toBeGreaterThan(0)
        expect(mine.at(-1)?.map(key)).toEqual(one.owned().map(key))
        for (const position of two.owned()) {
          expect(await codeOf(log.commit(one, [position]))).toBe('stale_membership')
          await other.commit(two, [position])
        }
        await two.leave()
        await vi.waitFor(() => expect(one.owned()).toHaveLength(partitions), { timeout: 10_000 })
        await log.commit(one, one.owned())
      })

      test('takes nothing from a member before it has let go', async () => {
        const other = await harness.open()
        let letGo = () => {}
        const holding = new Promise<void>((resolve) => {
          letGo = resolve
        })
        let calls = 0
        const one = await log.join(
          'g',
          ['outcomes', 'events'],
          async () => (++calls === 1 ? undefined : holding),
          never,
        )
        const two = await other.join('g', ['outcomes', 'events'], ignore, never)
        await vi.waitFor(() => expect(calls).toBe(2), { timeout: 10_000 })
        // Asked, and not done yet: it may still commit everything it has, and the other has nothing.
        await log.commit(one, [{ topic: 'events', partition: 1, offset: 0 }], 'last')
        expect(two.owned()).toEqual([])
        letGo()
        await vi.waitFor(() => expect(two.owned()).toHaveLength(2), { timeout: 10_000 })
        expect(two.notes()).toEqual(['last'])
      })

      test('keeps the notes of partitions that a member gains until it has been told of them', async () => {
        const other = await harness.open()
        let gained: (() => Promise<void>) | undefined
        let told = 0
        const onAssigned = async (owned: readonly Position[]) => {
          if (owned.length < partitions || gained === undefined) return
          await gained()
          told++
        }
        const one = await log.join('g', ['events'], onAssigned, never)
        const two = await other.join('g', ['events'], ignore, never)
        await vi.waitFor(() => expect([one.owned().length, two.owned().length]).toEqual([2, 2]), { timeout: 10_000 })
        await other.commit(two, two.owned(), 'two')
        const own = one.owned()
        // Of work that was under way when the others came: it knows nothing of them.
        gained = () => log.commit(one, own, 'one')
        await two.leave()
        await vi.waitFor(() => expect(told).toBe(1), { timeout: 10_000 })
        expect(one.notes().toSorted()).toEqual(['one', 'two'])
        await vi.waitFor(async () => {
          await log.commit(one, own, 'all')
          expect(one.notes()).toEqual(['all'])
        })
      })

      test('appends and commits in one transaction, or does neither', async () => {
        await log.append([record('events', 0, 'poison')], {}, never)
        const membership = await log.join('g', ['events'], ignore, never)
        const positions = [{ topic: 'events', partition: 0, offset: 1 }] as const
        await log.append([record('deadletters', 0, 'd')], { commit: { membership, positions, note: 'n' } }, never)
        expect(await log.committed('g')).toContainEqual(expect.objectContaining({ partition: 0, offset: 1, note: 'n' }))
        expect(await readAll(log, 'deadletters', 0)).toHaveLength(1)
        await membership.leave()
        expect(
          await codeOf(log.append([record('deadletters', 0, 'e')], { commit: { membership, positions } }, never)),
        ).toBe('stale_membership')
        expect(await readAll(log, 'deadletters', 0)).toHaveLength(1)
      })

      test('refuses a commit by a member of another client', async () => {
        const membership: Membership = await log.join('g', ['outcomes'], ignore, never)
        const other = await harness.open()
        expect(await codeOf(other.commit(membership, [{ topic: 'outcomes', partition: 0, offset: 0 }]))).toBe(
          'stale_membership',
        )
      })
    })

    describe('life', () => {
      test('keeps records, positions, notes and its epoch over a stop and a start', async () => {
        const epoch = log.epoch()
        expect(epoch).toBeGreaterThanOrEqual(1)
        expect(epoch).toBeLessThanOrEqual(255)
        await log.append([record('events', 0, 'a'), record('events', 0, 'b')], {}, never)
        const membership = await log.join('g', ['events'], ignore, never)
        await log.commit(membership, [{ topic: 'events', partition: 0, offset: 1 }], 'n')
        await log.stop()
        const again = await harness.open()
        expect(again.epoch()).toBe(epoch)
        expect((await readAll(again, 'events', 0)).map(({ value }) => text(value))).toEqual(['a', 'b'])
        const back = await again.join('g', ['events'], ignore, never)
        expect(back.owned()[0]).toMatchObject({ partition: 0, offset: 1, note: 'n' })
      })

      test('finishes what was begun when it is stopped, twice, and refuses what comes later', async () => {
        const pending = Array.from({ length: 10 }, (_, i) => log.append([record('events', 0, String(i))], {}, never))
        const waiting = codeOf(
          log.read({ topic: 'events', partition: 3, offset: 0 }, { bytes: 1, waitMs: 15_000 }, never),
        )
        await Promise.all([log.stop(), log.stop()])
        await log.stop()
        await Promise.all(pending)
        expect(await waiting).toBe('unavailable')
        expect(await codeOf(log.append([record('events', 0, 'late')], {}, never))).toBe('unavailable')
        expect(await readAll(await harness.open(), 'events', 0)).toHaveLength(10)
      })
    })
  })
}
