import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { cli } from '../support/cli.ts'
import { ask, bin, createInstance, type Instance } from '../support/instance.ts'

let instance: Instance
const folder = mkdtempSync(join(tmpdir(), 'millrace-import-'))
beforeAll(async () => {
  instance = createInstance()
  await instance.start()
})
afterAll(async () => {
  await instance.dispose()
  rmSync(folder, { recursive: true })
})

function write(name: string, content: string | Buffer): string {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}
const run = (...args: string[]) => cli(['import', ...args], { env: { MILLRACE_URL: instance.ready().api } })
const stored = (where: string) =>
  ask<{ n: string }>(instance.ready().api, `SELECT count() AS n FROM events WHERE ${where}`).then(([row]) =>
    Number(row?.n),
  )

it('stores years of history, says what it did not take and where it stands, and counts all again as duplicates', async () => {
  // Older than a live event may be.
  const fortyDaysAgo = new Date(Date.now() - 40 * 86_400_000).toISOString()
  const lines = [
    '{"id":"h1","event_name":"old","timestamp":"2024-01-01T00:00:00Z","expires":1}',
    '{"id":"h2"',
    `{"event_name":"no id","timestamp":"${fortyDaysAgo}"}`,
    '{"id":"h3","event_name":"x","duration_ms":"fast"}',
  ]
  const file = write('history.ndjson', lines.join('\n'))
  const first = await run(file)
  expect(first.stderr).toContain(`${file}: events of millrace`)
  expect(first.stderr).toMatch(/line 2: quarantined \(schema\) \/: the line is not JSON/)
  expect(first.stderr).toMatch(/line 4: quarantined \(schema\) \/duration_ms: expected number, got string\(4\)/)
  expect(first.code).toBe(8)
  // Older than raw events are kept: dropped, and said so.
  expect(JSON.parse(first.stdout)).toEqual({ file, events: 4, stored: 1, duplicate: 0, dropped: 1, quarantined: 2 })
  expect(existsSync(`${file}.import.json`)).toBe(false)
  expect(JSON.parse((await run(file)).stdout)).toMatchObject({ stored: 0, duplicate: 1, dropped: 1 })
})

it('takes CSV, PostHog’s exports and gzipped Segment messages', async () => {
  const day = new Date(Date.now() - 86_400_000).toISOString()
  const files = [
    write(
      'a.csv',
      `id,event_name,timestamp,properties.plan,amount\nc1,paid,${day},pro,0\nc2,"paid, twice",${day},,007\n`,
    ),
    write(
      'b.ndjson',
      `${JSON.stringify({ uuid: '018f2f4e-3c1d-7a5b-9e6f-7a8b9c0d1e2f', event: 'signed up', distinct_id: 'ada', properties: '{"n":1}', timestamp: day.replace('T', ' ').replace('Z', '') })}\n`,
    ),
    write(
      'c.json.gz',
      gzipSync(`[${JSON.stringify({ type: 'track', event: 's', messageId: 'seg-1', userId: 'u', timestamp: day })}]`),
    ),
  ]
  const { code, stdout, stderr } = await run(...files)
  expect([code, stderr.match(/events of \w+/g)]).toEqual([
    0,
    ['events of millrace', 'events of posthog', 'events of segment'],
  ])
  expect(
    stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object),
  ).toMatchObject([
    { events: 2, stored: 2 },
    { events: 1, stored: 1 },
    { events: 1, stored: 1 },
  ])
  await expect
    .poll(() => stored("id IN ('c1', 'c2', 'seg-1') OR event_name = 'signed up'"), { timeout: 10_000 })
    .toBe(4)
  const rows = await ask(
    instance.ready().api,
    "SELECT event_name, properties FROM events WHERE id IN ('c1', 'c2') ORDER BY id",
  )
  expect(rows).toEqual([
    { event_name: 'paid', properties: { plan: 'pro', amount: 0 } },
    { event_name: 'paid, twice', properties: { amount: '007' } },
  ])
})

it('goes on where it was killed, and waits for a collector that is away', async () => {
  const count = 40_000
  const lines = Array.from({ length: count }, (_, n) => `{"id":"r${n}","event_name":"resumed"}\n`)
  const file = write('long.ndjson', lines.join(''))
  const state = `${file}.import.json`
  const done = () => (JSON.parse(readFileSync(state, 'utf8')) as { sums: { events: number } }).sums.events
  const killed = spawn(process.execPath, [bin, 'import', file, '--batch', '200'], {
    env: { ...process.env, MILLRACE_URL: instance.ready().api },
    stdio: 'ignore',
  })
  await expect.poll(() => existsSync(state), { timeout: 10_000, interval: 5 }).toBe(true)
  killed.kill('SIGKILL')
  await once(killed, 'exit')
  const before = done()
  const again = run(file, '--batch', '200')
  await expect.poll(done, { timeout: 10_000, interval: 5 }).toBeGreaterThan(before)
  instance.kill9('collector')
  const { code, stdout, stderr } = await again
  expect([code, stderr]).toEqual([0, expect.stringContaining(`going on after ${before} events`)])
  expect(JSON.parse(stdout)).toMatchObject({ events: count, dropped: 0, quarantined: 0 })
  await expect.poll(() => stored("event_name = 'resumed'"), { timeout: 20_000 }).toBe(count)
  expect(await stored("event_name = 'resumed' AND id IN (SELECT id FROM events GROUP BY id HAVING count() > 1)")).toBe(
    0,
  )
}, 60_000)

it('needs a file, a dialect it knows, and an address', async () => {
  const { code, stderr } = await run(join(folder, 'none.ndjson'))
  expect([code, stderr]).toEqual([2, expect.stringContaining('ENOENT')])
  expect(await run('--dialect', 'nope', folder)).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('expected one of cdc'),
  })
  const odd = write('odd.ndjson', '{"a":1}')
  expect(await run(odd)).toMatchObject({ code: 2, stderr: expect.stringContaining('say --dialect') })
  expect(await run('--format', 'xml', odd)).toMatchObject({ code: 2 })
})

it('rows of a megabyte become requests that are taken, and an export of many spans counts each of them', async () => {
  const day = new Date(Date.now() - 86_400_000).toISOString()
  const note = 'x'.repeat(900_000)
  const rows = Array.from({ length: 30 }, (_, n) => `wide${n},wide,${day},${note}\n`).join('')
  const wide = write('wide.csv', `id,event_name,timestamp,properties.note\n${rows}`)
  const span = (n: number) => ({
    traceId: '5b8efff798038103d269b633813fc60c',
    spanId: `eee19b7ec3c1b1${10 + n}`,
    name: 's',
    startTimeUnixNano: `${Date.parse(day)}000000`,
  })
  const spans = [0, 1, 2].map(span)
  const line = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans }] }] })
  const { code, stdout } = await run(wide, write('spans.ndjson', `${line}\n`))
  expect([
    code,
    stdout
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text) as object),
  ]).toMatchObject([
    0,
    [
      { events: 30, stored: 30 },
      { events: 3, stored: 3 },
    ],
  ])
})

it('a row that is no CSV is quarantined, and the rows around it are stored', async () => {
  const day = new Date(Date.now() - 86_400_000).toISOString()
  const file = write('odd.csv', `id,event_name,timestamp\no1,a "b" c,${day}\no2,x,${day},more\n"o3,x,${day}\n`)
  const { code, stdout, stderr } = await run(file)
  expect([code, JSON.parse(stdout)]).toEqual([
    8,
    { file, events: 3, stored: 2, duplicate: 0, dropped: 0, quarantined: 1 },
  ])
  expect(stderr).toMatch(/line \d: quarantined \(schema\) \/: expected object/)
})

it('ends at once without an admin key, and sends the file nowhere', async () => {
  const guarded = createInstance({ env: { MILLRACE_AUTH: 'keys' } })
  try {
    const { api } = await guarded.start()
    const file = write('secret.ndjson', '{"event_name":"x"}\n')
    const { code, stderr } = await cli(['import', file], { env: { MILLRACE_URL: api, MILLRACE_KEY: 'wrong' } })
    expect([code, stderr]).toEqual([4, expect.not.stringContaining('sending to')])
  } finally {
    await guarded.dispose()
  }
})
