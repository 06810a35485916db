import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { Registry } from 'prom-client'
import { ByteWriter, encodeEventsRecord, peekHeader } from '../packages/protocol/src/index.ts'
import type { DecodedBatch } from '../packages/server/src/core/batch.ts'
import { systemClock } from '../packages/server/src/core/clock.ts'
import { type Deps, silentLogger } from '../packages/server/src/core/deps.ts'
import { findDialect } from '../packages/server/src/decoders/registry.ts'
import { correctClock } from '../packages/server/src/gate/clock.ts'
import { createDedupIndex } from '../packages/server/src/gate/dedup/create-dedup-index.ts'
import { derive } from '../packages/server/src/gate/derive.ts'
import { type GateBatch, openBatch } from '../packages/server/src/gate/gate-batch.ts'
import { identify } from '../packages/server/src/gate/ids.ts'
import { checkLimits } from '../packages/server/src/gate/limits.ts'
import { validate } from '../packages/server/src/gate/validate.ts'
import { encodeEvents } from '../packages/server/src/jobs/load-events.ts'
import { embeddedStateDriver } from '../packages/server/src/kv/embedded/driver.ts'
import { embeddedLogConfig } from '../packages/server/src/log/embedded/config.ts'
import { embeddedLogDriver } from '../packages/server/src/log/embedded/driver.ts'
import type { LogRecord } from '../packages/server/src/log/log.ts'
import { useLog } from './log-stages.ts'
import { workloads } from './payloads.ts'

export interface Stage {
  readonly stage: string
  /** CPU µs per event, this process's threads included. */
  readonly us: number
}

const steps: readonly [string, (batch: GateBatch) => unknown][] = [
  ['limits', checkLimits],
  ['validate', validate],
  ['clock', correctClock],
  ['derive', derive],
]
const signal = new AbortController().signal

/** Each stage of the way by itself, on the same payloads, in this process: where the time goes. */
export async function stages(
  workloadName: 'protobuf-gzip-100' | 'segment-gzip-100',
  batches: number,
): Promise<Stage[]> {
  const workload = workloads[workloadName]!
  const dialect = findDialect(workloadName.startsWith('protobuf') ? 's0' : 'segment')
  const source = dialect.name
  const bodies = Array.from({ length: batches }, () => workload.body())
  const events = batches * workload.eventsPerBody
  const result: Stage[] = []
  const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
  const deps: Deps = { clock: systemClock, logger: silentLogger, metrics: new Registry() }
  const log = embeddedLogDriver(join(dir, 'log')).create(embeddedLogConfig.parse({ driver: 'embedded' }), deps)
  const state = embeddedStateDriver(join(dir, 'state')).create({ driver: 'embedded' }, deps)
  const dedup = createDedupIndex({
    dir: join(dir, 'dedup'),
    log,
    state,
    windowMs: 31 * 86_400_000,
    maxBytes: 4e9,
    deps,
  })
  for (const part of [state, log, dedup]) await part.start(signal)

  // Batch by batch as in the collector: holding all events at once would measure the garbage collector.
  const laps = new Map<string, number>()
  let lapAt = 0n
  const lap = (stage: string) => {
    const now = process.hrtime.bigint()
    laps.set(stage, (laps.get(stage) ?? 0) + Number(now - lapAt))
    lapAt = process.hrtime.bigint()
  }
  const envelope = {
    project: 'default',
    batchId: 'bench',
    source,
    ingestedAt: Date.now(),
    schemaVersion: 1,
    planVersion: 0,
  }
  // Kept from record to record, as the gate does.
  const writer = new ByteWriter(1 << 20)
  const through = (body: Uint8Array) => {
    lapAt = process.hrtime.bigint()
    const inflated = gunzipSync(body)
    lap('inflate')
    const decoded: DecodedBatch = dialect.decode(inflated, {
      headers: {},
      kind: 'batch',
      contentType: workload.headers['content-type'] ?? '',
    })
    lap('decode')
    const batch = openBatch({ ...decoded, project: 'default', source, receivedAt: Date.now() })
    void identify(batch, { secrets: { get: () => undefined }, make: () => '' } as never)
    lap('gate: identify')
    for (const [stage, step] of steps) {
      step(batch)
      lap(`gate: ${stage}`)
    }
    const fingerprints = new Uint8Array(16 * batch.ids.length)
    for (const [at, id] of batch.ids.entries()) dedup.fingerprint('default', id, fingerprints, at * 16)
    dedup.claim(fingerprints, Date.now()).release()
    lap('dedup')
    const value = encodeEventsRecord(envelope, batch.events, 0, batch.events.length, writer)
    lap('encode record')
    return { value, fingerprints }
  }
  for (const body of bodies) through(body) // the first round compiles; its numbers are thrown away
  laps.clear()
  const made = bodies.map(through)
  for (const [stage, ns] of laps) result.push({ stage, us: ns / 1000 / events })

  const { append, read, records } = await useLog(log, made, 4, events)
  result.push({ stage: 'append (4 batches a commit, synced)', us: append }, { stage: 'read', us: read })

  const perBlock = 50_000
  encodeBlocks(records, log.epoch(), perBlock)
  const before = process.cpuUsage()
  encodeBlocks(records, log.epoch(), perBlock)
  const { user, system } = process.cpuUsage(before)
  result.push({ stage: 'encode block', us: (user + system) / events })
  for (const part of [dedup, log, state]) await part.stop()
  rmSync(dir, { recursive: true, force: true })
  return result
}

function encodeBlocks(records: readonly LogRecord[], epoch: number, perBlock: number): number {
  let blocks = 0
  let from = 0
  let rows = 0
  for (const [at, record] of records.entries()) {
    rows += peekHeader(record.value).count
    if (rows < perBlock && at < records.length - 1) continue
    encodeEvents(records.slice(from, at + 1), epoch)
    blocks++
    from = at + 1
    rows = 0
  }
  return blocks
}
