/**
 * Captures what the real segment-analytics-python sends, as golden inputs: `node testdata/capture-segment-python.ts`, then
 * `UPDATE_GOLDEN=1 vitest run golden.test.ts` and read the diff. Ids and times are made fixed ones, all else is as on the wire.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { pythonWith } from '../../../../../test/support/python.ts'

const found = pythonWith(['segment-analytics-python==2.4.0'])
if ('missing' in found) throw new Error(found.missing)

// The client is waited for; so its server runs in a thread of its own.
const server = new Worker(
  `const { createServer } = require('node:http')
   const { parentPort } = require('node:worker_threads')
   const server = createServer((request, response) => {
     const chunks = []
     request.on('data', (chunk) => chunks.push(chunk))
     request.on('end', () => {
       parentPort.postMessage(Buffer.concat(chunks).toString('utf8'))
       response.end('{"success":true}')
     })
   })
   server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`,
  { eval: true },
)
const port = await new Promise<number>((resolve) => server.once('message', resolve))
const body = new Promise<string>((resolve) => server.once('message', resolve))
const program = `
import datetime
from segment.analytics.client import Client
client = Client('test-key', host='http://127.0.0.1:${port}', upload_interval=1)
client.identify('u-1', {'name': 'Ada', 'age': 36, 'visits': 0})
client.track('u-1', 'Order Completed', {'revenue': 12.5, 'count': 0, 'empty': '', 'none': None, 'items': [{'sku': 'a'}]},
  anonymous_id='anon-1', timestamp=datetime.datetime(2025, 12, 31, 23, 59, 59, 123456, tzinfo=datetime.timezone.utc),
  context={'ip': '203.0.113.7', 'page': {'url': 'https://shop.example/cart'}}, integrations={'All': False})
client.page('u-1', 'Docs', 'Install', {'url': 'https://shop.example/docs'})
client.screen('u-1', None, 'Cart', {'items': 0})
client.group('u-1', 'g-1', {'name': 'Initech', 'employees': 0})
client.alias('anon-1', 'u-1')
client.track(7, 'Number As Id')
client.shutdown()
`
const { status, stderr } = spawnSync(found.python, ['-c', program], { encoding: 'utf8', timeout: 30_000 })
if (status !== 0) throw new Error(stderr)
let count = 0
const fixed = (await body)
  .replace(/"messageId": "[^"]+"/g, () => `"messageId": "00000000-0000-4000-8000-${String(++count).padStart(12, '0')}"`)
  .replace(/"(timestamp|sentAt)": "202[6-9][^"]+"/g, '"$1": "2026-01-01T10:00:00.123456+00:00"')
writeFileSync(join(import.meta.dirname, 'segment', 'batch.python.in.json'), `${fixed}\n`)
await server.terminate()
