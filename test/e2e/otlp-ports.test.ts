import { createServer, type Server } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { createInstance, type Instance } from '../support/instance.ts'

let instance: Instance
const taken: Server[] = []
afterEach(async () => {
  await instance.dispose()
  for (const server of taken.splice(0)) server.close()
})

async function takePort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  taken.push(server)
  return String((server.address() as { port: number }).port)
}

it('ports of OpenTelemetry that another process has cost one loud line each, not the start', async () => {
  const [otlpPort, grpcPort] = [await takePort(), await takePort()]
  instance = createInstance({ env: { MILLRACE_COLLECTOR_OTLP_PORT: otlpPort, MILLRACE_COLLECTOR_GRPC_PORT: grpcPort } })
  const ready = await instance.start()
  expect(ready).toMatchObject({ otlp: null, grpc: null })
  const loud = instance
    .log()
    .split('\n')
    .filter((line) => line.includes('another process listens on'))
  expect(loud.map((line) => (JSON.parse(line) as { level: string }).level)).toEqual(['error', 'error'])
  expect(loud[0]).toContain(`127.0.0.1:${otlpPort}`)
  expect(loud[1]).toContain(`127.0.0.1:${grpcPort}`)
  expect(
    (
      await fetch(`${ready.collector}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{}',
      })
    ).status,
  ).toBe(200)
  const status = (await (await fetch(`${ready.api}/api/v1/status`)).json()) as object
  expect(status).toMatchObject({ otlp: null, grpc: null })
})

it('ports of OpenTelemetry that are turned off are null, and nothing is said of them', async () => {
  instance = createInstance({ env: { MILLRACE_COLLECTOR_OTLP_PORT: 'false', MILLRACE_COLLECTOR_GRPC_PORT: 'false' } })
  expect(await instance.start()).toMatchObject({ otlp: null, grpc: null })
  expect(instance.log()).not.toContain('OTLP')
})
