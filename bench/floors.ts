import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { gunzipSync } from 'node:zlib'
import { millrace } from '../packages/protocol/src/gen/browser.gen.js'
import { workloads } from './payloads.ts'

export interface Floors {
  /** µs of CPU per event to inflate and parse the payload, and nothing else. */
  readonly decodeProtobufGzip: number
  readonly decodeSegmentGzip: number
  readonly decodeSegment: number
  /** Requests a second of a server that reads the body and says 200, under the same generator. */
  readonly bareHttpPerSecond: number
}

/** What cannot be had for less, measured in the same run on the same machine. */
export async function floors(quick: boolean): Promise<Floors> {
  const parseJson = (body: Uint8Array) => JSON.parse(Buffer.from(body).toString('utf8')) as unknown
  return {
    decodeProtobufGzip: perEvent('protobuf-gzip-100', (body) => millrace.v1.EventBatch.decode(gunzipSync(body))),
    decodeSegmentGzip: perEvent('segment-gzip-100', (body) => parseJson(gunzipSync(body))),
    decodeSegment: perEvent('segment-100', parseJson),
    bareHttpPerSecond: await bareHttp(quick ? 10_000 : 40_000),
  }
}

function perEvent(name: string, decode: (body: Uint8Array) => unknown): number {
  const workload = workloads[name]!
  const bodies = Array.from({ length: 50 }, () => workload.body())
  const round = () => {
    for (const body of bodies) decode(body)
  }
  for (let warm = 0; warm < 20; warm++) round()
  const before = process.cpuUsage()
  const rounds = 40
  for (let at = 0; at < rounds; at++) round()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / (rounds * bodies.length * workload.eventsPerBody)
}

/** `node bench/floors.ts serve`: the bare server, in a process of its own as the collector is. */
if (process.argv[2] === 'serve') {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end('{"success":true}')
    })
  })
  server.listen(0, '127.0.0.1', () => process.stdout.write(`${(server.address() as { port: number }).port}\n`))
}

async function bareHttp(requests: number): Promise<number> {
  const server = spawn(process.execPath, [import.meta.filename, 'serve'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const port = (await createInterface({ input: server.stdout })[Symbol.asyncIterator]().next()).value as string
  const generator = spawn(
    process.execPath,
    [join(import.meta.dirname, 'generator.ts'), `http://127.0.0.1:${port}`, 'segment-1', String(requests)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const lines = createInterface({ input: generator.stdout })[Symbol.asyncIterator]()
  await lines.next()
  generator.stdin.write('go\n')
  const { seconds } = JSON.parse((await lines.next()).value as string) as { seconds: number }
  await once(generator, 'exit')
  server.kill()
  return requests / seconds
}
