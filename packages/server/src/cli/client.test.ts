import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { brokenAnswer, createClient } from './client.ts'
import { CliError, exitCodes } from './exit.ts'

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

async function serving(respond: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(respond)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function failure(asked: Promise<unknown>): Promise<CliError> {
  const error = await asked.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(CliError)
  return error as CliError
}

const answering = (status: number, problem: object | string) =>
  serving((_, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json' })
    response.end(typeof problem === 'string' ? problem : JSON.stringify(problem))
  })

describe('what a request sends', () => {
  it('is the path below the address, JSON, and the key as Bearer', async () => {
    const seen: { url?: string | undefined; key?: string | undefined; type?: string | undefined; body: string }[] = []
    const url = await serving((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        const { authorization: key, 'content-type': type } = request.headers
        seen.push({ url: request.url, key, type, body })
        response.end('{}')
      })
    })
    const client = createClient({ url: `${url}/in/`, key: 'k' })
    await client.get('/api/v1/status')
    await client.post('/v1/events', { a: 1 })
    await createClient({ url }).post('/v1/events', '{}\n{}', { 'content-type': 'application/x-ndjson' })
    expect(seen).toEqual([
      { url: '/in/api/v1/status', key: 'Bearer k', type: undefined, body: '' },
      { url: '/in/v1/events', key: 'Bearer k', type: 'application/json', body: '{"a":1}' },
      { url: '/v1/events', key: undefined, type: 'application/x-ndjson', body: '{}\n{}' },
    ])
  })
})

describe('the exit code', () => {
  it.each([
    [401, { code: 'unauthorized', detail: 'a key is needed' }, exitCodes.auth, /^a key is needed; .* MILLRACE_KEY$/],
    [403, { code: 'forbidden', detail: 'not with this key' }, exitCodes.auth, /^not with this key/],
    [403, { code: 'query_refused', detail: 'not a SELECT' }, exitCodes.failure, /^not a SELECT$/],
    [404, { code: 'not_found', detail: 'no such event' }, exitCodes.notFound, /^no such event$/],
    [408, { code: 'slow_body', detail: 'too slow' }, exitCodes.timeout, /^too slow$/],
    [503, { code: 'timeout', detail: 'not in time' }, exitCodes.timeout, /^not in time$/],
    [503, { code: 'unavailable', detail: 'the disk is full' }, exitCodes.failure, /^the disk is full$/],
    [400, { code: 'query_failed', title: 'The query failed' }, exitCodes.failure, /^The query failed$/],
    [502, '<html>a proxy says no</html>', exitCodes.failure, /^502 Bad Gateway$/],
    [500, 'null', exitCodes.failure, /^500 Internal Server Error$/],
  ])('of %d %j is %d', async (status, problem, exitCode, message) => {
    const error = await failure(createClient({ url: await answering(status, problem) }).get('/'))
    expect([error.exitCode, error.message]).toEqual([exitCode, expect.stringMatching(message)])
  })

  it('is 6 when nobody listens, with what to do', async () => {
    const url = await serving(() => {})
    const server = servers.pop()!
    await new Promise((resolve) => server.close(resolve))
    const error = await failure(createClient({ url }).get('/'))
    expect(error.exitCode).toBe(exitCodes.unreachable)
    expect(error.message).toMatch(
      /cannot reach http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\); is it running\?.*--url or MILLRACE_URL/,
    )
  })

  it('is 6 when the connection is cut before the answer', async () => {
    const url = await serving((request) => request.socket.destroy())
    expect((await failure(createClient({ url }).get('/'))).exitCode).toBe(exitCodes.unreachable)
  })

  it('is 6 when the connection is cut within the answer', async () => {
    const url = await serving((_, response) => {
      response.writeHead(200, { 'content-length': '100' })
      response.write('{"rows"', () => response.destroy())
    })
    const response = await createClient({ url }).get('/')
    const error = await response.json().catch((reason: unknown) => brokenAnswer(reason))
    expect((error as CliError).exitCode).toBe(exitCodes.unreachable)
  })

  it('is 124 when there is no answer in time', async () => {
    const url = await serving(() => {})
    const error = await failure(createClient({ url, timeoutSeconds: 0.1 }).get('/'))
    expect([error.exitCode, error.message]).toEqual([
      exitCodes.timeout,
      `no answer from ${url} within 0.1 s (--timeout)`,
    ])
  })

  it('is 124 when the answer does not end in time', async () => {
    const url = await serving((_, response) => void response.writeHead(200).write('{'))
    const response = await createClient({ url, timeoutSeconds: 0.3 }).get('/')
    const error = await response.json().catch((reason: unknown) => brokenAnswer(reason))
    expect((error as CliError).exitCode).toBe(exitCodes.timeout)
  })

  it('is 130 when the user interrupts', async () => {
    const url = await serving(() => {})
    const user = new AbortController()
    setTimeout(() => user.abort(), 50)
    expect((await failure(createClient({ url }).get('/', user.signal))).exitCode).toBe(exitCodes.interrupted)
  })

  it.each(['localhost:8089', 'ftp://x', '', 'http://'])('is 2 for the address %j', (url) => {
    expect(() => createClient({ url })).toThrow(expect.objectContaining({ exitCode: exitCodes.usage }))
  })
})
