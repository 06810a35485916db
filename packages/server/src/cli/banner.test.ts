import { stripVTControlCharacters } from 'node:util'
import { expect, it } from 'vitest'
import { banner } from './banner.ts'

const ready = {
  collector: 'http://127.0.0.1:8088',
  api: 'http://127.0.0.1:8089',
  otlp: null,
  grpc: null,
  pid: { supervisor: 1, collector: 2, worker: 3, engine: 4 },
  ms: 900,
}
const commands = (api: string) =>
  stripVTControlCharacters(banner({ ...ready, api }))
    .split('\n')
    .filter((line) => line.includes('npx millrace'))

it('shows commands that find this API, wherever it listens', () => {
  expect(commands('http://127.0.0.1:8089').join()).not.toContain('--url')
  const elsewhere = commands('http://127.0.0.1:41234')
  expect(elsewhere).toHaveLength(3)
  for (const line of elsewhere) expect(line).toMatch(/ --url http:\/\/127\.0\.0\.1:41234$/)
})
