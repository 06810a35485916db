import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import { codeOf, type LogHarness, never, partitions, testLog } from '../log.contract.ts'
import type { Log } from '../log.ts'
import { createEmbeddedLog } from './create-embedded-log.ts'
import { openEnvironment } from './environment.ts'
import { formatKey, formatVersion } from './keys.ts'

async function harness(): Promise<LogHarness> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-log-'))
  const opened: Log[] = []
  return {
    async open() {
      const log = createEmbeddedLog(
        { dir, partitions },
        { clock: systemClock, logger: silentLogger, metrics: new Registry() },
      )
      await log.start(new AbortController().signal)
      opened.push(log)
      return log
    },
    async close() {
      for (const log of opened) await log.stop()
      rmSync(dir, { recursive: true })
    },
  }
}

testLog('the embedded driver', harness)

describe('the embedded driver', () => {
  let dir: string
  const metrics = new Registry()
  const make = (partitionCount = 2) =>
    createEmbeddedLog({ dir, partitions: partitionCount }, { clock: systemClock, logger: silentLogger, metrics })
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'millrace-log.with.dots-'))
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  it('refuses another number of partitions than it was made with, and says which', async () => {
    const made = make(2)
    await made.start(never)
    await made.stop()
    await expect(make(3).start(never)).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('made with 2') as string,
    })
  })

  it('refuses a format of a newer release', async () => {
    const env = openEnvironment({ dir, mapBytes: 2 ** 40 })
    await env.transact(
      [{ tree: 'meta', key: formatKey, version: null }],
      [{ tree: 'meta', key: formatKey, value: Buffer.from('{}'), version: formatVersion + 1 }],
    )
    await env.close()
    expect(await codeOf(make().start(never))).toBe('newer_version')
  })

  it('shows what it holds as millrace_log_bytes', async () => {
    const log = make()
    await log.start(never)
    await log.append([{ topic: 'events', partition: 1, value: new Uint8Array(9000) }], {}, never)
    const shown = /^millrace_log_bytes (\d+)$/m.exec(await metrics.metrics())
    expect(Number(shown?.[1])).toBe(await log.bytes())
    expect(Number(shown?.[1])).toBeGreaterThanOrEqual(9000)
    await log.stop()
  })

  it('is made only once when processes start it together', async () => {
    const logs = [make(), make(), make()]
    await Promise.all(logs.map((log) => log.start(never)))
    expect(new Set(logs.map((log) => log.epoch())).size).toBe(1)
    for (const log of logs) await log.stop()
  })
})
