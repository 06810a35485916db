import { stripVTControlCharacters } from 'node:util'
import { expect, it } from 'vitest'
import { keysAndValues } from './status.ts'
import { type Status, statusPage } from './status-page.ts'

const well: Status = {
  version: '1.2.3',
  engine_version: '26.7.3.1',
  uptime_seconds: 60,
  collector: 'http://127.0.0.1:8088',
  otlp: 'http://127.0.0.1:4318',
  grpc: null,
  api: 'http://127.0.0.1:8089',
  pid: { supervisor: 1, collector: 2, worker: 3, engine: null },
  jobs: [{ job: 'load', state: 'running', lag_events: 1200, lag_seconds: 2, dead_letters: 0, last_error: null }],
  rates: { events_per_second: 12.34 },
  sizes: { log_bytes: 1e6, store_bytes: 2e6, events: 12_345 },
  problems: [],
}
const page = (status: Status) => statusPage(status).map((line) => stripVTControlCharacters(line))

it('tells each part in a line', () => {
  const lines = page(well)
  expect(lines).toContain('  engine     ClickHouse 26.7.3.1')
  expect(lines).toContain('             http://127.0.0.1:4318   OpenTelemetry over HTTP')
  expect(lines).toContain('  processes  supervisor 1, collector 2, worker 3, engine –')
  expect(lines).toContainEqual(
    expect.stringMatching(/^ {2}load {7}running, 1,200 events behind \(.*\), 0 dead letters$/),
  )
  expect(lines).toContainEqual(expect.stringMatching(/12,345 events$/))
})

it('tells what it can while the store is away, and why', () => {
  const lines = page({
    ...well,
    engine_version: null,
    api: null,
    collector: null,
    otlp: null,
    rates: { events_per_second: null },
    sizes: { log_bytes: null, store_bytes: null, events: null },
    jobs: [{ ...well.jobs[0]!, worker: 'host:7', state: 'waiting', last_error: 'unavailable: gone' }],
    problems: ['tables: the store cannot be reached (ECONNREFUSED)'],
  })
  expect(lines).toContain('  engine     away')
  expect(lines.join('\n')).not.toContain('OpenTelemetry')
  expect(lines).toContain('  sizes      log unknown, tables unknown with unknown events')
  expect(lines).toContainEqual(expect.stringMatching(/^ {2}load {7}waiting in host:7, .*; unavailable: gone$/))
  expect(lines.at(-1)).toBe('  ! tables: the store cannot be reached (ECONNREFUSED)')
})

it('is rows of keys and values for spreadsheets', () => {
  const rows = keysAndValues(well)
  expect(rows).toContainEqual({ key: 'sizes.events', value: 12_345 })
  expect(rows).toContainEqual({ key: 'jobs.0.state', value: 'running' })
  expect(rows).toContainEqual({ key: 'pid.engine', value: null })
})
