/**
 * Captures what the `cloudevents` SDK sends, as golden inputs: `node testdata/capture-cloudevents.ts`, then
 * `UPDATE_GOLDEN=1 vitest run golden.test.ts -t cloudevents` and read the diff. The SDK has no batched mode: that body is its
 * structured events in an array, as its type for batches says. `bad` and `hand-…` cases are written by hand, of the specification.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { CloudEvent, emitterFor, HTTP, type Message, Mode } from 'cloudevents'

const folder = join(import.meta.dirname, 'cloudevents')
mkdirSync(folder, { recursive: true })

interface Captured {
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}
const captured: Captured[] = []
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    captured.push({ headers: request.headers, body: Buffer.concat(chunks) })
    response.setHeader('content-type', 'application/json').end('{"success":true}')
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/events`
/** The SDK's own transport cannot send an event without data. */
const transport = ({ headers, body }: Message) =>
  fetch(url, { method: 'POST', headers: headers as Record<string, string>, body: body as string })

const events = {
  json: new CloudEvent({
    id: 'a-1',
    source: '/orders/',
    type: 'com.example.order.placed',
    subject: '7',
    time: '2026-01-01T00:00:00.123Z',
    datacontenttype: 'application/json',
    dataschema: 'https://example.com/order.json',
    data: { total: 12.5, items: [{ sku: 'a', quantity: 0 }], note: '' },
    traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    partitionkey: 'eu',
  }),
  text: new CloudEvent({ id: 'a-2', source: '/notes', type: 'note', time: '2026-01-01T00:00:00Z', datacontenttype: 'text/plain', data: 'grüß dich' }),
  none: new CloudEvent({ id: 'a-3', source: 'urn:x', type: 'ping', time: '2026-01-01T00:00:00Z' }),
  bytes: new CloudEvent({ id: 'a-4', source: '/images', type: 'image', time: '2026-01-01T00:00:00Z', datacontenttype: 'image/png', data: new Uint8Array([137, 80, 78, 71, 0, 255]) }),
}

async function capture(name: string, event: CloudEvent<unknown>, mode: Mode): Promise<void> {
  captured.length = 0
  await emitterFor(transport, { binding: HTTP, mode })(event)
  const [request] = captured
  if (captured.length !== 1 || request === undefined) throw new Error(`${name}: ${captured.length} requests, expected 1`)
  const kept = Object.entries(request.headers).filter(([header]) => header === 'content-type' || header.startsWith('ce-'))
  const contentType = (request.headers['content-type'] ?? '').split(';')[0]
  writeFileSync(join(folder, `events.${name}.in.bin`), request.body)
  writeFileSync(join(folder, `events.${name}.cx.json`), `${JSON.stringify({ headers: Object.fromEntries(kept), contentType }, null, 2)}\n`)
}

for (const [name, event] of Object.entries(events)) {
  await capture(`sdk-binary-${name}`, event, Mode.BINARY)
  await capture(`sdk-structured-${name}`, event, Mode.STRUCTURED)
}
const batch = Object.values(events).map((event) => JSON.parse(HTTP.structured(event as unknown as CloudEvent<string>).body as string) as unknown)
writeFileSync(join(folder, 'events.sdk-batched.in.json'), `${JSON.stringify(batch)}\n`)
writeFileSync(join(folder, 'events.sdk-batched.cx.json'), `${JSON.stringify({ contentType: 'application/cloudevents-batch+json' })}\n`)
server.close()
