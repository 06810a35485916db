import {
  decodeEventsRecord,
  decodeOutcomesRecord,
  decodeQuarantineRecord,
  type EventColumns,
  type LedgerCount,
  type OutcomeRow,
  type QuarantinedEvent,
} from '@millrace/protocol'
import { Registry } from 'prom-client'
import type { RawBatch } from '../core/batch.ts'
import { type Clock, systemClock } from '../core/clock.ts'
import { type Deps, silentLogger } from '../core/deps.ts'
import { createGate, type GateConfig } from '../gate/gate.ts'
import { type MemoryLogOptions, memoryLog } from './memory-log.ts'
import { memoryDedup } from './memory-dedup.ts'
import { memoryState } from './memory-state.ts'

export interface GateUnderTestOptions extends MemoryLogOptions {
  readonly config?: Partial<GateConfig>
  readonly clock?: Clock
}

export const testNow = Date.parse('2026-11-21T10:00:00.000Z')

export function testDeps(clock: Clock = systemClock): Deps {
  return { clock, logger: silentLogger, metrics: new Registry() }
}

/** A started gate over memory, and what reached its log, decoded. */
export async function openGateUnderTest(options: GateUnderTestOptions = {}) {
  const log = memoryLog(options)
  const dedup = memoryDedup()
  const state = memoryState()
  const deps = testDeps(options.clock)
  const config: GateConfig = {
    dataDir: '/',
    minFreeBytes: 1,
    retention: { hours: 168, bytes: 1e9 },
    freeBytes: async () => 1e12,
    ...options.config,
  }
  const gate = createGate({ log, dedup, state, config, deps })
  await gate.start(AbortSignal.timeout(5000))
  return {
    gate,
    log,
    dedup,
    state,
    deps,
    accept: (batch: RawBatch, signal: AbortSignal = new AbortController().signal) => gate.accept(batch, signal),
    events: (): readonly EventColumns[] =>
      log.all('events').flatMap((record) => decodeEventsRecord(record.value).events),
    quarantined: (): readonly QuarantinedEvent[] =>
      log.all('quarantine').flatMap((record) => decodeQuarantineRecord(record.value)),
    rows: (): readonly OutcomeRow[] => log.all('outcomes').flatMap((record) => decodeOutcomesRecord(record.value).rows),
    counts: (): readonly LedgerCount[] =>
      log.all('outcomes').flatMap((record) => decodeOutcomesRecord(record.value).counts),
  }
}

/** A batch of these columns, as a decoder would hand it over. */
export function rawBatch(events: readonly EventColumns[], more: Partial<RawBatch> = {}): RawBatch {
  return {
    project: 'shop',
    source: 'millrace',
    receivedAt: testNow,
    events: events.map((columns) => ({ columns, original: structuredClone(columns) })),
    ...more,
  }
}

/** An event that any gate takes. */
export function goodEvent(id: string, more: EventColumns = {}): EventColumns {
  return { id, event_type: 'track', event_name: 'order.placed', timestamp: testNow - 1000, ...more }
}
