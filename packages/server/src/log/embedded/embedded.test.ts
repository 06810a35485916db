import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import { type LogHarness, partitions, testLog } from '../log.contract.ts'
import type { Log } from '../log.ts'
import { createEmbeddedLog } from './create-embedded-log.ts'

async function harness(): Promise<LogHarness> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-log-'))
  const opened: Log[] = []
  return {
    async open() {
      const log = createEmbeddedLog(
        { dir, partitions, retention: { hours: 1, bytes: 1e9 } },
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
