import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { OpenApi, Operation } from '../../packages/server/src/api/openapi/document.ts'
import { createSchemaCheck } from '../../packages/server/src/testing/openapi-check.ts'
import { createInstance, eventually, type Instance } from '../support/instance.ts'
import { send, settled } from '../support/pipeline.ts'

let instance: Instance
let api: string
let document: OpenApi
let check: ReturnType<typeof createSchemaCheck>

interface Call {
  readonly name: string
  readonly method: string
  readonly path: string
  readonly operation: Operation
}
let calls: readonly Call[]

beforeAll(async () => {
  instance = createInstance()
  const ready = await instance.start()
  api = ready.api
  document = (await (await fetch(`${api}/openapi.json`)).json()) as OpenApi
  check = createSchemaCheck(document)
  calls = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      operation,
    })),
  )
  // What the examples ask about; and one event for each outcome that a list can hold.
  const event = { id: '01JD8Z3C9V', event_name: 'signed_up', actor_id: 'ada', trace_id: '4bf92f35', session_id: 's-1' }
  await send(`${ready.collector}/v1/events`, JSON.stringify([event, event, { ...event, id: 'q', timestamp: 'x' }]))
  await settled(api)
})
afterAll(() => instance.dispose())

/** The example of a call, as a client that read only the document would make it. */
function requestOf({ path, method, operation }: Call): Request {
  const base = (operation.servers ?? document.servers)[0]?.url ?? '/'
  let filled = path
  const query = new URLSearchParams()
  for (const parameter of operation.parameters ?? []) {
    if (parameter.example === undefined) continue
    if (parameter.in === 'path')
      filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(String(parameter.example)))
    if (parameter.in === 'query') query.set(parameter.name, String(parameter.example))
  }
  const [type, content] = Object.entries(operation.requestBody?.content ?? {})[0] ?? []
  return new Request(`${base === '/' ? api : base}${filled}?${query}`, {
    method,
    ...(type !== undefined && {
      headers: { 'content-type': type },
      body: typeof content?.example === 'string' ? content.example : JSON.stringify(content?.example),
    }),
  })
}

/** What is wrong with an answer, by the document. */
async function wrongIn(operation: Operation, response: Response): Promise<readonly string[]> {
  const told = operation.responses[String(response.status)]
  if (told === undefined) return [`status ${response.status} is not in the document: ${await response.text()}`]
  const type = (response.headers.get('content-type') ?? '').split(';')[0]!
  const content = told.content?.[type]
  if (content === undefined) return [`${response.status} came as ${type}, which is not in the document`]
  if (content.schema === undefined) return []
  return check(content.schema, type.endsWith('json') ? await response.json() : await response.text())
}

const isStream = ({ path }: Call) => path.startsWith('/api/v1/live') || path === '/events'

describe('/openapi.json', () => {
  it('names the collector that listens now', () => {
    expect(document.openapi).toBe('3.1.0')
    expect(document.paths['/v1/events']?.['post']?.servers?.[0]?.url).toBe(instance.ready().collector)
    expect(calls.length).toBeGreaterThan(30)
    expect(calls.filter(isStream)).toHaveLength(3)
  })

  it('says of every route what it answers to its own example', async () => {
    for (const call of calls.filter((each) => !isStream(each))) {
      const response = await fetch(requestOf(call))
      const well = Object.keys(call.operation.responses).filter((status) => status.startsWith('2'))
      // One route is there only to say what to do instead.
      const documented = well.length > 0 ? well : Object.keys(call.operation.responses)
      expect([call.name, documented]).toEqual([call.name, expect.arrayContaining([String(response.status)])])
      expect([call.name, await wrongIn(call.operation, response)]).toEqual([call.name, []])
    }
  })

  it('says what an answer in every form of Accept is', async () => {
    const operation = document.paths['/api/v1/sql']!['post']!
    for (const type of Object.keys(operation.responses['200']?.content ?? {})) {
      const response = await fetch(`${api}/api/v1/sql`, {
        method: 'POST',
        headers: { accept: type },
        body: JSON.stringify({ query: 'select id, event_name from events' }),
      })
      expect([response.status, response.headers.get('content-type')?.split(';')[0]]).toEqual([200, type])
      await response.arrayBuffer()
    }
  })

  it('says what a list with something in it is, and what a missing event is', async () => {
    const list = calls.find(({ name }) => name === 'GET /api/v1/quarantine')!
    const body = await eventually(async () => {
      const found = (await (await fetch(`${api}${list.path}`)).json()) as { items: unknown[] }
      return found.items.length > 0 ? found : undefined
    })
    expect(check(list.operation.responses['200']!.content!['application/json']!.schema!, body)).toEqual([])
    for (const name of ['GET /api/v1/events/{id}', 'GET /api/v1/events/{id}/why']) {
      const { path, operation } = calls.find((call) => call.name === name)!
      const response = await fetch(`${api}${path.replace('{id}', 'never')}`)
      expect([response.status, await wrongIn(operation, response)]).toEqual([404, []])
    }
  })

  it('says how each route refuses what it cannot read', async () => {
    let refused = 0
    for (const call of calls.filter((each) => each.operation.responses['400'] !== undefined)) {
      if (call.operation.requestBody === undefined) continue
      const { url, method } = requestOf(call)
      const answers = [
        await fetch(url, { method, headers: { 'content-type': 'application/json' }, body: '{' }),
        await fetch(url, {
          method,
          headers: { 'content-type': 'application/json', 'content-encoding': 'rar' },
          body: '{}',
        }),
      ]
      for (const response of answers) {
        expect([call.name, response.status < 500 && response.status >= 400]).toEqual([call.name, true])
        expect([call.name, await wrongIn(call.operation, response)]).toEqual([call.name, []])
        refused++
      }
    }
    expect(refused).toBeGreaterThan(30)
    for (const path of ['/api/v1/ledger', '/api/v1/quarantine', '/query/trace', '/api/v1/live/sse']) {
      const response = await fetch(`${api}${path}?from=yesterday&limit=0&topic=a..b`)
      expect([path, response.status]).toEqual([path, 400])
      expect([path, await wrongIn(document.paths[path]!['get']!, response)]).toEqual([path, []])
    }
  })

  it('says what a subscriber gets', async () => {
    const schema = document.components.schemas['LiveMessage']!
    const leave = new AbortController()
    const response = await fetch(`${api}/api/v1/live/sse?fromTimestamp=${Date.now() - 3_600_000}`, {
      signal: leave.signal,
    })
    expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/)
    let text = ''
    for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
      text += piece
      if (/"type":"(event|batch)"/.test(text) && text.endsWith('\n\n')) break
    }
    leave.abort()
    const messages = text.split('\n').flatMap((line) => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : []))
    expect(messages.length).toBeGreaterThan(1)
    for (const message of messages) expect([message, check(schema, message)]).toEqual([message, []])
    const upgrade = await fetch(`${api}/api/v1/live`)
    expect([upgrade.status, await wrongIn(document.paths['/api/v1/live']!['get']!, upgrade)]).toEqual([426, []])
  })
})

describe('/docs', () => {
  it('is one page that may load nothing from elsewhere', async () => {
    const response = await fetch(`${api}/docs`)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'sha256-/)
    const page = await response.text()
    for (const { path } of calls) expect(page).toContain(path)
    expect(page).toContain(instance.ready().collector)
  })
})
