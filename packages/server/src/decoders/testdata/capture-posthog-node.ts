/**
 * Captures what the real posthog-node sends, as golden inputs: `node testdata/capture-posthog-node.ts`, then
 * `UPDATE_GOLDEN=1 vitest run golden.test.ts` and read the diff. Ids and times are made fixed ones, all else is as on the wire.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { PostHog } from 'posthog-node'

const folder = join(import.meta.dirname, 'posthog')
mkdirSync(folder, { recursive: true })

interface Caught {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}
const caught: Caught[] = []
const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => {
    const wire = Buffer.concat(chunks)
    const body = (request.headers['content-encoding'] === 'gzip' ? gunzipSync(wire) : wire).toString('utf8')
    caught.push({ path: request.url ?? '', headers: request.headers, body })
    response.setHeader('content-type', 'application/json').end('{"status":1,"results":{}}')
  })
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const host = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

/** Random ids and times of the run become fixed ones of the same form; source lines and paths of this machine are left out. */
function fixed(body: string): string {
  const uuids = new Map<string, string>()
  const withIds = body.replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (uuid) => {
    const known = uuids.get(uuid) ?? `00000000-0000-7000-8000-${String(uuids.size + 1).padStart(12, '0')}`
    uuids.set(uuid, known)
    return known
  })
  return JSON.stringify(
    JSON.parse(withIds, (key, value: unknown) => {
      if (key === 'pre_context' || key === 'post_context' || key === 'context_line') return undefined
      if (key === 'filename' || key === 'abs_path') return '/app/main.js'
      const isNow = (key === 'timestamp' || key === 'sent_at' || key === 'created_at') && !String(value).startsWith('2025-12')
      return isNow ? '2026-01-01T00:00:00.000Z' : value
    }),
  )
}

async function capture(name: string, options: object, use: (client: PostHog) => void): Promise<void> {
  caught.length = 0
  const client = new PostHog('phc_test', { host, flushAt: 100, flushInterval: 10_000, ...options })
  use(client)
  await client.shutdown()
  const sent = caught.filter(({ path }) => !path.startsWith('/flags'))
  if (sent.length !== 1) throw new Error(`${name}: ${sent.map(({ path }) => path).join(', ')}, expected 1 request`)
  const [{ headers, body }] = sent as [Caught]
  writeFileSync(join(folder, `${name}.in.json`), `${fixed(body)}\n`)
  const said = Object.entries(headers).filter(([key]) => key.startsWith('posthog-') && key !== 'posthog-request-id')
  if (said.length === 0) return
  const kept = Object.fromEntries(said)
  kept['posthog-request-timestamp'] = '2026-01-01T00:00:01.000Z'
  writeFileSync(join(folder, `${name}.cx.json`), `${JSON.stringify({ headers: kept }, undefined, 2)}\n`)
}

function useAll(client: PostHog): void {
  client.capture({
    distinctId: 'u-1',
    event: 'Order Completed',
    properties: { revenue: 12.5, zero: 0, empty: '', products: [{ sku: 'a' }], $set: { plan: 'pro' }, $set_once: { first: 'x' } },
    groups: { company: 'g-1' },
  })
  client.capture({ event: 'Without A Person', properties: { $session_id: 's-1' } } as never)
  client.identify({ distinctId: 'u-1', properties: { name: 'Ada', $set_once: { signed_up: true } } })
  client.alias({ distinctId: 'u-1', alias: 'anon-1' })
  client.groupIdentify({ groupType: 'company', groupKey: 'g-1', properties: { name: 'Initech', employees: 0 } })
  client.capture({
    distinctId: 'u-1',
    event: '$pageview',
    properties: { $current_url: 'https://example.com/a?utm_source=x', $referrer: '$direct', $ip: '203.0.113.7' },
    timestamp: new Date('2025-12-31T23:59:59.123Z'),
  })
  client.captureException(new TypeError('it broke', { cause: new Error('because') }), 'u-1', { where: 'checkout' })
}

await capture('capture.node', {}, useAll)
await capture('capture.node-plain', { disableCompression: true, historicalMigration: true }, (client) => {
  client.capture({ distinctId: '0', event: 'Zeros', properties: { zero: 0, no: false, nothing: null, list: [] } })
})
process.env['POSTHOG_CAPTURE_MODE'] = 'v1'
await capture('v1.node', {}, useAll)
server.close()
