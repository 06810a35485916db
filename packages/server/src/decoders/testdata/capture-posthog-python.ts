/**
 * Captures what Python's real posthog sends, as golden inputs: `node testdata/capture-posthog-python.ts`, then
 * `UPDATE_GOLDEN=1 vitest run golden.test.ts` and read the diff. Ids, times, and what tells of this machine become fixed ones.
 */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'
import { pythonWith } from '../../../../../test/support/python.ts'

const found = pythonWith(['posthog==7.91.1'])
if ('missing' in found) throw new Error(found.missing)

let sent = ''
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const wire = Buffer.concat(chunks)
    sent = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(wire) : wire).toString('utf8')
    response.setHeader('content-type', 'application/json').end('{"status":1}')
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo

const program = `
import datetime
from posthog import Posthog
client = Posthog('phc_test', host='http://127.0.0.1:${port}', flush_at=100, flush_interval=1, gzip=True)
client.capture('Order Completed', distinct_id='u-1', properties={'revenue': 12.5, 'zero': 0, 'when': datetime.date(2026, 1, 1)}, groups={'company': 'g-1'})
client.capture('Without A Person')
client.set(distinct_id='u-1', properties={'plan': 'pro'})
client.set_once(distinct_id='u-1', properties={'first': 'x'})
client.alias(previous_id='anon-1', distinct_id='u-1')
client.group_identify('company', 'g-1', {'name': 'Initech', 'employees': 0})
client.capture('Earlier', distinct_id='u-1', timestamp=datetime.datetime(2025, 12, 31, 23, 59, 59, 123456, tzinfo=datetime.timezone(datetime.timedelta(hours=1))))
try:
    raise ValueError('it broke')
except ValueError as error:
    client.capture_exception(error, distinct_id='u-1')
client.shutdown()
`
await promisify(execFile)(found.python, ['-c', program])
server.close()

const uuids = new Map<string, string>()
const withIds = sent.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (uuid) => {
  const known = uuids.get(uuid) ?? `00000000-0000-7000-8000-${String(uuids.size + 1).padStart(12, '0')}`
  uuids.set(uuid, known)
  return known
})
const body = JSON.stringify(
  JSON.parse(withIds, (key, value: unknown) => {
    if ((key === 'timestamp' || key === 'sent_at') && !String(value).startsWith('2025')) {
      return String(value).replace(/^[0-9-]+T[0-9:.]+/, '2026-01-01T00:00:00.123456')
    }
    if (key === 'filename' || key === 'abs_path') return '/app/main.py'
    if (key === '$os_version' || key === '$python_version' || key === '$python_runtime') return 'fixed'
    return value
  }),
)
writeFileSync(join(import.meta.dirname, 'posthog', 'capture.python.in.json'), `${body}\n`)
