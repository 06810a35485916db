/**
 * What deduplication costs: `node bench/dedup.ts [--ids 20000000] [--batch 100] `.
 *
 * Ids are UUID texts as clients send them. Timed is the CPU of this process, all threads. "All work" has sealing, merging
 * and syncing in it, averaged since the line before; the other columns are samples of 200,000 ids while none of it is going
 * on. At the end the index is stopped, opened again, and asked again.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Registry } from 'prom-client'
import { systemClock } from '../packages/server/src/core/clock.ts'
import { silentLogger } from '../packages/server/src/core/deps.ts'
import { PipelineError } from '../packages/server/src/core/errors.ts'
import { createDedupIndex } from '../packages/server/src/gate/dedup/create-dedup-index.ts'
import { CLAIMED, type DedupIndex, DUPLICATE } from '../packages/server/src/gate/dedup/dedup-index.ts'
import { memoryLog } from '../packages/server/src/testing/memory-log.ts'
import { memoryState } from '../packages/server/src/testing/memory-state.ts'

const { values } = parseArgs({
  options: { ids: { type: 'string', default: '2000000' }, batch: { type: 'string', default: '100' } },
})
const total = Number(values.ids)
const batch = Number(values.batch)
const sample = 200_000
const dir = mkdtempSync(join(tmpdir(), 'millrace-bench.'))
// The log's own cost is not this bench's: positions are made up, nothing is kept.
let offset = 0
const log = { ...memoryLog(), bounds: async () => [{ partition: 0, first: offset, next: offset }] }
const state = memoryState()
const signal = new AbortController().signal
let metrics = new Registry()

async function open(): Promise<DedupIndex> {
  metrics = new Registry()
  const index = createDedupIndex({
    dir: join(dir, 'dedup'),
    log,
    state,
    windowMs: 31 * 86_400_000,
    maxBytes: 4e9,
    deps: { clock: systemClock, logger: silentLogger, metrics },
  })
  await index.start(signal)
  return index
}

/** A UUID's text from a number: a fixed bijection of 32 bits in the middle of fixed text would compress; this spreads. */
function idOf(n: number): string {
  let x = Math.imul(n, 0x9e3779b1) >>> 0
  x = Math.imul(x ^ (x >>> 15), 0x85ebca77) >>> 0
  const hex = x.toString(16).padStart(8, '0')
  const serial = n.toString(16).padStart(12, '0')
  const text = `${hex}-${serial.slice(8)}-7${serial.slice(5, 8)}-9${hex.slice(0, 3)}-${serial}`
  // As a parser leaves it: one flat string, not a rope of parts that its first reader has to join.
  return Buffer.from(text, 'latin1').toString('latin1')
}

/** Sends ids made by `make` in batches, and returns CPU µs per id without what making the texts costs. */
async function send(index: DedupIndex, count: number, make: (i: number) => string, expected: number): Promise<number> {
  let used = 0
  const chunk = 2_000
  for (let done = 0; done < count; done += chunk) {
    const ids = Array.from({ length: Math.min(chunk, count - done) }, (_, i) => make(done + i))
    const before = process.cpuUsage()
    for (let at = 0; at < ids.length; at += batch) {
      const size = Math.min(batch, ids.length - at)
      const fingerprints = new Uint8Array(size * 16)
      for (let i = 0; i < size; i++) index.fingerprint('default', ids[at + i]!, fingerprints, i * 16)
      const claim = await whenThereIsRoom(() => index.claim(fingerprints, Date.now()))
      for (const state of claim.states) {
        if (state !== expected) throw new Error(`an id has state ${state}, expected ${expected}`)
      }
      if (expected === CLAIMED) claim.confirm([{ topic: 'events', partition: 0, offset: offset++ }])
      else claim.release()
      // As a server does: the event loop turns between requests.
      if ((at / batch) % 10 === 9) await new Promise((resolve) => setImmediate(resolve))
    }
    const { user, system } = process.cpuUsage(before)
    used += user + system
  }
  return used / count
}

let turnedAway = 0

/** A tight loop makes ids faster than files are written; then a sender hears 503 and comes again. */
async function whenThereIsRoom<T>(claim: () => T): Promise<T> {
  for (;;) {
    try {
      return claim()
    } catch (error) {
      if (!(error instanceof PipelineError) || error.code !== 'unavailable') throw error
      turnedAway++
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}

/** Until sealing and merging are done, so that a sample shows the hot path alone. */
async function quiet(): Promise<void> {
  for (let used = Infinity; used > 5000; ) {
    const before = process.cpuUsage()
    await new Promise((resolve) => setTimeout(resolve, 100))
    used = process.cpuUsage(before).user
  }
}

const figure = async (name: string, where?: string) =>
  (await metrics.getSingleMetric(name)!.get()).values.find(
    ({ labels }) => where === undefined || labels['where'] === where,
  )!.value

const rows: Record<string, string | number>[] = []
let index = await open()
await send(index, 20_000, (i) => idOf(i), CLAIMED)
let known = 20_000
for (const target of [1e6, 5e6, 20e6, 50e6].filter((target) => target < total).concat(total)) {
  const start = known
  const filling = await send(index, target - known - sample, (i) => idOf(start + i), CLAIMED)
  known = target - sample
  await quiet()
  const at = known
  const fresh = await send(index, sample, (i) => idOf(at + i), CLAIMED)
  known += sample
  const recent = await send(index, sample, (i) => idOf(known - 1 - i), DUPLICATE)
  const step = Math.floor(known / sample)
  const old = await send(index, sample, (i) => idOf(i * step), DUPLICATE)
  rows.push({
    'ids known': known,
    'new, all work': filling.toFixed(2),
    'new, hot path': fresh.toFixed(2),
    'duplicate, recent': recent.toFixed(2),
    'duplicate, any age': old.toFixed(2),
    files: await figure('millrace_dedup_files'),
    'RSS MB': Math.round(process.memoryUsage().rss / 1e6),
  })
}
console.log('CPU µs per id, fingerprint included')
console.table(rows)
if (turnedAway > 0) console.log(`${turnedAway} claims had to wait until files were written`)

const stopping = performance.now()
await index.stop()
console.log(`stopped, all sealed, in ${((performance.now() - stopping) / 1000).toFixed(2)} s`)
const opening = performance.now()
index = await open()
console.log(`opened again in ${((performance.now() - opening) / 1000).toFixed(2)} s`)
const sealed = await figure('millrace_dedup_ids')
const idle = 64 * 1024 * (1 / 0.6) * 20
const perId = ((await figure('millrace_dedup_bytes', 'memory')) - idle) / sealed
console.log(
  `${sealed} ids sealed, ${perId.toFixed(2)} bytes of memory and ${((await figure('millrace_dedup_bytes', 'disk')) / sealed).toFixed(1)} of disk each`,
)
const afterRestart = await send(index, sample, (i) => idOf(i * Math.floor(known / sample)), DUPLICATE)
console.log(`duplicates of any age after it: ${afterRestart.toFixed(2)} µs each`)
await index.stop()
rmSync(dir, { recursive: true })
