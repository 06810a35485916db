import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeEventsRecord } from '@millrace/protocol'
import { createDedupIndex, type FollowingIndex } from '../gate/dedup/create-dedup-index.ts'
import type { Dedup } from '../gate/dedup/dedup-index.ts'
import { createSharedDedup, type SharedDedupOptions } from '../gate/dedup/shared-dedup.ts'
import { createGate, type Gate } from '../gate/gate.ts'
import type { Cache } from '../kv/cache.ts'
import type { State } from '../kv/state.ts'
import type { Log } from '../log/log.ts'
import { goodEvent, rawBatch, testDeps } from './gate-under-test.ts'
import { type MemoryLog, type MemoryLogOptions, memoryLog } from './memory-log.ts'
import { memoryState } from './memory-state.ts'

export interface CollectorUnderTest {
  readonly dedup: Dedup
  readonly local: FollowingIndex
  readonly gate: Gate
  /** Outcome per id, in order; an error for the whole batch rejects. */
  send(ids: readonly string[], signal?: AbortSignal): Promise<readonly string[]>
  /** `millrace_dedup_fail_open_total`, by reason where it is not 0. */
  failedOpen(): Promise<Readonly<Record<string, number>>>
  stop(): Promise<void>
}

export type SharedSettings = Partial<Pick<SharedDedupOptions, 'pendingMs' | 'storedMs' | 'breaker'>>

/** Several collectors on one log (in memory, unless they are given another), each with a gate and an index on disk of its own. */
export function collectorsUnderTest(options: MemoryLogOptions = {}) {
  const log: MemoryLog = memoryLog(options)
  const state = memoryState()
  const folder = mkdtempSync(join(tmpdir(), 'millrace-collectors-'))
  const running = new Set<CollectorUnderTest>()
  let opened = 0

  async function open(
    cache: Cache,
    settings: SharedSettings & { state?: State; log?: Log } = {},
  ): Promise<CollectorUnderTest> {
    const deps = testDeps()
    const { state: ownState = state, log: own = log.another(), ...shared } = settings
    const local = createDedupIndex({
      dir: join(folder, `dedup${opened++}`),
      log: own,
      state: ownState,
      windowMs: 31 * 86_400_000,
      maxBytes: 1e9,
      follow: true,
      deps,
    })
    const dedup = createSharedDedup({ local, cache, log: own, deps, ...shared })
    const config = { dataDir: folder, minFreeBytes: 1, retention: { hours: 168, bytes: 1e10 } }
    const gate = createGate({ log: own, dedup, state: ownState, config, deps })
    const signal = AbortSignal.timeout(30_000)
    await dedup.start(signal)
    await gate.start(signal)
    const collector: CollectorUnderTest = {
      dedup,
      local,
      gate,
      async send(ids, signal = AbortSignal.timeout(30_000)) {
        const events = ids.map((id) => goodEvent(id, { timestamp: Date.now() }))
        const receipts = await gate.accept(rawBatch(events, { receivedAt: Date.now() }), signal)
        return receipts.map(({ outcome }) => outcome)
      },
      async failedOpen() {
        const metric = await deps.metrics.getSingleMetric('millrace_dedup_fail_open_total')?.get()
        const counts = (metric?.values ?? []).filter(({ value }) => value > 0)
        return Object.fromEntries(counts.map(({ labels, value }) => [String(labels['reason']), value]))
      },
      async stop() {
        running.delete(collector)
        await gate.stop()
        await dedup.stop()
      },
    }
    running.add(collector)
    return collector
  }

  return {
    log,
    open,
    /** The ids in the log, in order, as often as they are there. */
    stored: (): string[] =>
      log.all('events').flatMap(({ value }) => decodeEventsRecord(value).events.map(({ id }) => id ?? '')),
    async close() {
      for (const collector of running) await collector.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
