import { randomFillSync } from 'node:crypto'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { isLess } from './generation.ts'
import { mergeFiles, planMerge } from './merge.ts'
import { type SealedFile, openSealedFile } from './sealed-file.ts'
import { type SealedFacts, writeSealedFile } from './sealed-writer.ts'

const signal = new AbortController().signal
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))
let dir = ''
let open: SealedFile[] = []

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-dedup.'))
})
afterEach(async () => {
  for (const file of open.splice(0)) await file.close()
  rmSync(dir, { recursive: true, force: true })
})

const factsOf = (first: number, last = first): SealedFacts => ({
  first,
  last,
  fromMs: first * 1000,
  toMs: last * 1000 + 999,
  epoch: 7,
  from: { 0: (first - 1) * 10 },
  to: { 0: last * 10 },
  keyCheck: 'k',
})

/** Sorts fingerprints of four words each. */
function sorted(words: Int32Array): Int32Array {
  const order = Array.from({ length: words.length / 4 }, (_, i) => i * 4)
  order.sort((a, b) => (isLess(words, a, words, b) ? -1 : isLess(words, b, words, a) ? 1 : 0))
  return Int32Array.from(order.flatMap((at) => [...words.subarray(at, at + 4)]))
}

function random(ids: number): Int32Array {
  return randomFillSync(new Int32Array(ids * 4))
}

async function write(words: Int32Array, facts = factsOf(1)): Promise<SealedFile> {
  const file = await openSealedFile(await writeSealedFile(dir, facts, words.length / 4, [sorted(words)], signal))
  open.push(file)
  return file
}

const has = (file: SealedFile, words: Int32Array, at: number) =>
  file.filter.has(words[at]!, words[at + 1]!, words[at + 2]!) &&
  file.has(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!)

async function all(file: SealedFile): Promise<Int32Array> {
  const parts: number[] = []
  for await (const batch of file.batches()) for (const word of batch) parts.push(word)
  return Int32Array.from(parts)
}

describe('a sealed file', () => {
  it('finds each of its ids and no other', async () => {
    const words = random(8000)
    const file = await write(words)
    const others = random(8000)
    for (let at = 0; at < words.length; at += 4) {
      expect(has(file, words, at)).toBe(true)
      expect(file.has(others[at]!, others[at + 1]!, others[at + 2]!, others[at + 3]!)).toBe(false)
      // All but the last word alike.
      expect(file.has(words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]! ^ 1)).toBe(false)
    }
    expect(await all(file)).toEqual(sorted(words))
  })

  it('finds ids that share their first word over several pages', async () => {
    const words = new Int32Array(1000 * 4)
    for (let i = 0; i < 1000; i++) words.set([i < 300 ? -5 : i < 900 ? -4 : -3, i, i * 7, i], i * 4)
    const file = await write(words)
    for (let at = 0; at < words.length; at += 4) expect(has(file, words, at)).toBe(true)
    expect(file.has(-4, 1, 1, 1)).toBe(false)
    expect(file.has(-6, 1, 1, 1)).toBe(false)
    expect(file.has(-2, 1, 1, 1)).toBe(false)
  })

  it('takes fewer than 1 of 100 absent ids for present, at less than 2 bytes of memory per id', async () => {
    const file = await write(random(50_000))
    const others = random(50_000)
    let maybe = 0
    for (let at = 0; at < others.length; at += 4) {
      if (file.filter.has(others[at]!, others[at + 1]!, others[at + 2]!)) maybe++
    }
    expect(maybe).toBeLessThan(500)
    expect(maybe).toBeGreaterThan(20)
    expect(file.memoryBytes / 50_000).toBeLessThan(2)
  })

  it('marks in its filter exactly what the filter has', async () => {
    const file = await write(random(5000))
    const others = random(20_000)
    const marks = new Uint8Array(20_000)
    file.filter.mark(others, marks)
    const expected = marks.map((_, i) =>
      file.filter.has(others[i * 4]!, others[i * 4 + 1]!, others[i * 4 + 2]!) ? 1 : 0,
    )
    expect(marks).toEqual(expected)
  })

  it('makes one of equal ids, and says what it was told', async () => {
    const words = Int32Array.of(1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3, 5)
    const file = await write(words, factsOf(3, 5))
    expect(file.header).toMatchObject({ ...factsOf(3, 5), count: 2 })
    expect(file.path.endsWith('0000000003-0000000005.ids')).toBe(true)
  })

  it('keeps the offsets of hundreds of partitions', async () => {
    const offsets = Object.fromEntries(Array.from({ length: 255 }, (_, i) => [i, 4_000_000_000 + i]))
    const file = await write(random(10), { ...factsOf(1), from: offsets, to: offsets })
    expect(file.header.to).toEqual(offsets)
  })

  it('is refused when it is cut anywhere', async () => {
    const { path } = await write(random(700))
    const whole = readFileSync(path)
    for (const length of [0, 1, 23, 24, 200, 4095, 4096, 5000, whole.length - 1]) {
      writeFileSync(path, whole.subarray(0, length))
      await expect(openSealedFile(path), `cut to ${length}`).rejects.toMatchObject({ code: 'corrupt' })
    }
    writeFileSync(path, Buffer.concat([whole, Buffer.alloc(1)]))
    await expect(openSealedFile(path)).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('never answers wrongly when any byte of it is changed', async () => {
    const words = random(300)
    const { path } = await write(words)
    const whole = readFileSync(path)
    let refused = 0
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(whole)
        changed[at]! ^= flip
        writeFileSync(path, changed)
        let file: SealedFile | undefined
        try {
          file = await openSealedFile(path)
          for (let i = 0; i < words.length; i += 4) expect(has(file, words, i)).toBe(true)
        } catch (error) {
          expect(error).toMatchObject({ code: 'corrupt' })
          refused++
        } finally {
          await file?.close()
        }
      }),
      { numRuns: 150 },
    )
    // All but the zeroes behind the header count.
    expect(refused).toBeGreaterThan(50)
  })

  it('is not there when its writing ends early', async () => {
    const failing = function* () {
      yield sorted(random(10))
      throw new Error('the disk is gone')
    }
    await expect(writeSealedFile(dir, factsOf(1), 20, failing(), signal)).rejects.toThrow('the disk is gone')
    const unsorted = [Int32Array.of(5, 0, 0, 0), Int32Array.of(4, 0, 0, 0)]
    await expect(writeSealedFile(dir, factsOf(1), 2, unsorted, signal)).rejects.toMatchObject({ code: 'internal' })
    expect(readdirSync(dir)).toEqual([])
  })
})

describe('merging', () => {
  it('gives one file with the ids of all, each once', async () => {
    const shared = random(50)
    const parts = [random(10_000), random(3), random(9000)].map((part) => Int32Array.from([...part, ...shared]))
    const files: SealedFile[] = []
    for (const [i, part] of parts.entries()) files.push(await write(part, factsOf(i + 1)))
    const merged = await mergeFiles(dir, files, nextTurn, signal)
    open.push(merged)
    const expected = sorted(Int32Array.from([...parts.flatMap((part) => [...part.subarray(0, -200)]), ...shared]))
    expect(await all(merged)).toEqual(expected)
    expect(merged.header).toMatchObject({ first: 1, last: 3, fromMs: 1000, toMs: 3999, from: { 0: 0 }, to: { 0: 30 } })
    for (let at = 0; at < expected.length; at += 4) expect(has(merged, expected, at)).toBe(true)
  })

  it('ends when it is told to, and leaves the old files alone', async () => {
    const files = [await write(random(20_000), factsOf(1)), await write(random(20_000), factsOf(2))]
    const aborted = AbortSignal.abort(new Error('stopping'))
    await expect(mergeFiles(dir, files, nextTurn, aborted)).rejects.toThrow('stopping')
    expect(readdirSync(dir)).toHaveLength(2)
  })

  const day = 86_400_000
  const plan = (counts: readonly number[], everyMs = 60_000) =>
    planMerge(
      counts.map((count, i) => ({ count, fromMs: i * everyMs, toMs: (i + 1) * everyMs })),
      31 * day,
    )

  it('waits for four of a size, and takes older ones in while they are no larger', () => {
    expect(plan([1e6, 1e6, 1e6])).toBeUndefined()
    expect(plan([1e6, 1e6, 1e6, 1e6])).toEqual([0, 4])
    expect(plan([16e6, 1e6, 1e6, 1e6, 1e6])).toEqual([1, 5])
    expect(plan([4e6, 4e6, 1e6, 1e6, 1e6, 1e6])).toEqual([0, 6])
  })

  it('keeps few files and writes each id few times, whatever the sizes that come', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 1_000_000 }), { minLength: 1, maxLength: 200 }), (sizes) => {
        let files: { count: number; fromMs: number; toMs: number }[] = []
        let written = 0
        for (const [i, count] of sizes.entries()) {
          files.push({ count, fromMs: i * 1000, toMs: i * 1000 + 999 })
          for (;;) {
            const next = planMerge(files, 31 * day)
            if (next === undefined) break
            const run = files.slice(...next)
            const ids = run.reduce((sum, file) => sum + file.count, 0)
            written += ids
            const merged = { count: ids, fromMs: run[0]!.fromMs, toMs: run.at(-1)!.toMs }
            files = [...files.slice(0, next[0]), merged, ...files.slice(next[1])]
          }
          expect(files.length).toBeLessThanOrEqual(12)
        }
        const ids = sizes.reduce((sum, count) => sum + count, 0)
        expect(written).toBeLessThanOrEqual(ids * 8)
      }),
      { numRuns: 200 },
    )
  })

  it('never makes a file that spans more than an eighth of the window', () => {
    expect(plan([10, 10, 10, 10], 1.5 * day)).toBeUndefined()
    expect(plan([10, 10, 10, 10, 10], 0.9 * day)).toEqual([1, 5])
  })
})
