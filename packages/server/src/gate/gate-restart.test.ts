import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeEventsRecord } from '@millrace/protocol'
import { afterEach, describe, expect, it } from 'vitest'
import { createEmbeddedState } from '../kv/embedded/create-embedded-state.ts'
import { createEmbeddedLog } from '../log/embedded/create-embedded-log.ts'
import { goodEvent, rawBatch, testDeps } from '../testing/gate-under-test.ts'
import { createDedupIndex } from './dedup/create-dedup-index.ts'
import { createGate } from './gate.ts'

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** The gate as the collector runs it: log, state and dedup index on disk. */
async function open(dataDir: string) {
  const deps = testDeps()
  const retention = { hours: 168, bytes: 1e10 }
  const state = createEmbeddedState({ path: join(dataDir, 'state') }, deps)
  const log = createEmbeddedLog({ dir: join(dataDir, 'log'), partitions: 1 }, deps)
  const dedup = createDedupIndex({
    dir: join(dataDir, 'dedup'),
    log,
    state,
    windowMs: 31 * 86_400_000,
    maxBytes: 1e9,
    deps,
  })
  const gate = createGate({ log, dedup, state, config: { dataDir, minFreeBytes: 1, retention }, deps })
  const parts = [state, log, dedup, gate]
  for (const part of parts) await part.start(AbortSignal.timeout(10_000))
  return {
    send: async (ids: readonly string[]) =>
      (
        await gate.accept(
          rawBatch(
            ids.map((id) => goodEvent(id)),
            { receivedAt: Date.now() },
          ),
          AbortSignal.timeout(10_000),
        )
      ).map(({ outcome }) => outcome),
    async events() {
      const records = await log.read(
        { topic: 'events', partition: 0, offset: 0 },
        { bytes: 1e8, waitMs: 0 },
        AbortSignal.timeout(5000),
      )
      return records.flatMap(({ value }) => decodeEventsRecord(value).events.map(({ id }) => id))
    },
    async stop() {
      for (const part of parts.reverse()) await part.stop()
    },
  }
}

describe('gate over log, state and dedup index on disk', () => {
  it('still knows after a restart what it stored, and only that', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'millrace-gate-'))
    folders.push(dataDir)
    const before = await open(dataDir)
    expect(await before.send(['a', 'b', 'a'])).toEqual(['stored', 'stored', 'duplicate'])
    await Promise.all(Array.from({ length: 30 }, (_, i) => before.send([`s${i}`, `s${i + 1}`])))
    await before.stop()
    const after = await open(dataDir)
    expect(await after.send(['b', 'c', 's30'])).toEqual(['duplicate', 'stored', 'duplicate'])
    const ids = await after.events()
    expect(ids).toHaveLength(34)
    expect(new Set(ids).size).toBe(34)
    await after.stop()
  })
})
