import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { failOpenCounter } from '../gate/dedup/shared-keys.ts'
import { testDeps } from '../testing/gate-under-test.ts'
import { collectorState, createCollectorReport } from './collector-report.ts'
import { writePid } from './lock.ts'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-report-'))
  mkdirSync(join(dataDir, 'run'))
})
afterEach(() => rmSync(dataDir, { recursive: true, force: true }))
const never = new AbortController().signal

it('tells the status why a collector refuses events, and how many went through without the shared cache', async () => {
  let now = 1000
  const wakers: (() => void)[] = []
  const deps = testDeps({ now: () => now, sleep: () => new Promise((resolve) => wakers.push(resolve)) })
  const failOpen = failOpenCounter(deps)
  let refusal: string | undefined
  const report = createCollectorReport({ dataDir, refusal: () => refusal, deps })
  await report.start(never)
  const read = () => collectorState(dataDir, undefined, now, never)
  expect(await read()).toEqual({ refusing: null, fail_open: null, problems: [] })
  writePid(dataDir, 'collector', process.pid)
  expect(await read()).toEqual({ refusing: null, fail_open: { total: 0, last_minute: 0 }, problems: [] })

  refusal = '5 bytes free'
  failOpen('cache', 12)
  now += 1000
  wakers.shift()?.()
  await expect.poll(read).toEqual({
    refusing: '5 bytes free',
    fail_open: { total: 12, last_minute: 12 },
    problems: [
      'collector: refuses events: 5 bytes free',
      expect.stringMatching(
        /^collector: 12 events of the last minute went through without asking the other collectors/,
      ),
    ],
  })

  now += 60_000
  expect((await read()).problems).toContain('collector: has not said anything for 60 s')
  const stopped = report.stop()
  for (const wake of wakers) wake()
  await stopped
})

it('asks a collector elsewhere whether it is ready', async () => {
  const server = createServer((_, response) => {
    response.writeHead(503).end('{"status":"unavailable","reason":"the log is full"}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  expect((await collectorState(dataDir, url, 0, never)).problems).toEqual([
    `collector: ${url} is not ready: the log is full`,
  ])
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  expect((await collectorState(dataDir, url, 0, never)).refusing).toBe(`${url} cannot be reached (ECONNREFUSED)`)
})
