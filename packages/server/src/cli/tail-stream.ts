import { WebSocket } from 'ws'
import { CliError, exitCodes } from './exit.ts'
import type { Row } from './output.ts'
import type { TailOptions } from './tail.ts'

interface Problem {
  readonly status: number
  readonly detail: string
}

/** Follows `/api/v1/live`; comes back with the last cursor when the connection breaks, so that nothing is lost or shown twice. */
export async function followStream(options: TailOptions): Promise<void> {
  const { signal } = options
  let cursor: string | undefined
  let wasThere = false
  while (!signal.aborted) {
    const end = await follow(options, cursor, (next) => {
      cursor = next
      wasThere = true
    })
    if (end === 'done' || signal.aborted) return
    if (end.problem !== undefined) refuse(end.problem)
    if (!wasThere)
      throw new CliError(
        `cannot reach ${options.url} (${end.why}); is it running? \`npx millrace start\`, or name it with --url or MILLRACE_URL`,
        exitCodes.unreachable,
      )
    await options.again(`the connection is gone (${end.why})`)
  }
}

type End = 'done' | { readonly why: string; readonly problem?: Problem }

function follow(options: TailOptions, cursor: string | undefined, at: (cursor: string) => void): Promise<End> {
  const { url, key, topics, filters, from, signal } = options
  const query = new URLSearchParams()
  for (const topic of topics) query.append('topic', topic)
  for (const filter of filters) query.append('filter', filter)
  if (cursor !== undefined) query.set('lastEventId', cursor)
  else if (from !== undefined) query.set('fromTimestamp', String(from))
  const base = url.replace(/^http/, 'ws')
  const webSocket = new WebSocket(`${base}/api/v1/live?${query}`, {
    headers: key ? { authorization: `Bearer ${key}` } : {},
    handshakeTimeout: options.timeoutSeconds * 1000,
    perMessageDeflate: false,
    maxPayload: 256 * 1024 * 1024,
  })
  return new Promise((resolve) => {
    let why = 'closed'
    let isDone = false
    const finish = (end: End) => {
      signal.removeEventListener('abort', onAbort)
      resolve(end)
    }
    const onAbort = () => {
      isDone = true
      webSocket.terminate()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    const take = (row: Row) => {
      if (isDone) return
      // What was refused (topic `_errors`) has no place in the stream.
      if (typeof row['cursor'] === 'string') at(row['cursor'])
      if (options.show(row['event'] as Row)) return
      isDone = true
      webSocket.close(1000)
    }
    webSocket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString('utf8')) as Row
      switch (message['type']) {
        case 'connected':
          return at(message['cursor'] as string)
        case 'event':
          return take(message)
        case 'batch':
          for (const each of message['events'] as Row[]) take(each)
          return
        case 'gap':
          return options.missed(Number(message['missed']))
        case 'error':
        case 'shutdown':
          why = String(message['message'])
      }
    })
    webSocket.on('unexpected-response', (_request, response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('end', () => {
        webSocket.on('error', () => {})
        webSocket.terminate()
        const problem = { status: response.statusCode ?? 0, detail: detailOf(body) }
        finish(
          problem.status === 503 || problem.status >= 500 ? { why: problem.detail } : { why: problem.detail, problem },
        )
      })
    })
    webSocket.on('error', (error: NodeJS.ErrnoException) => {
      why = error.code ?? error.message
    })
    webSocket.on('close', () => finish(isDone ? 'done' : { why }))
  })
}

function detailOf(body: string): string {
  try {
    return (JSON.parse(body) as { detail?: string }).detail ?? body
  } catch {
    return body.slice(0, 200)
  }
}

function refuse({ status, detail }: Problem): never {
  if (status === 401 || status === 403)
    throw new CliError(`${detail}; the key is taken from MILLRACE_KEY`, exitCodes.auth)
  if (status === 404) throw new CliError(detail, exitCodes.notFound)
  throw new CliError(detail, status === 400 ? exitCodes.usage : exitCodes.failure)
}
