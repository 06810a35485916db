import type { Socket } from 'node:net'
import { PipelineError } from '../core/errors.ts'
import { toProblem } from './problem.ts'

interface ParserError extends Error {
  readonly code?: string
}

/** What node keeps on a socket about the request that it is answering. */
interface Answering {
  readonly _httpMessage?: { readonly headersSent: boolean; readonly req?: { readonly complete: boolean } } | null
}

/**
 * Answers what is not HTTP (bad chunks, endless heads, a head that trickles) and cuts the connection. `onRefused` gets the status.
 * While an earlier request of the connection is still being answered, nothing may be said in its place: a 400 would look like its answer.
 */
export function createClientErrorHandler(onRefused: (status: number) => void) {
  return (error: ParserError, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const answering = (socket as Socket & Answering)._httpMessage
    if (answering && (answering.headersSent || answering.req?.complete === true)) {
      socket.destroy()
      return
    }
    const [status, phrase, failure] = describe(error)
    onRefused(status)
    const body = JSON.stringify({ ...toProblem(failure, '-'), status })
    const head = `HTTP/1.1 ${status} ${phrase}\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`
    socket.end(head + body, () => socket.destroy())
  }
}

function describe(error: ParserError): readonly [status: number, phrase: string, failure: PipelineError] {
  switch (error.code ?? '') {
    case 'HPE_HEADER_OVERFLOW':
      return [
        431,
        'Request Header Fields Too Large',
        new PipelineError('too_large', 'the request’s headers are too large, at most 16384 bytes'),
      ]
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return [413, 'Content Too Large', new PipelineError('too_large', 'the chunk extensions are too large: send none')]
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return [408, 'Request Timeout', new PipelineError('slow_body', 'the request came too slowly')]
    default:
      return [400, 'Bad Request', new PipelineError('malformed', `this is not HTTP/1.1 (${error.code ?? 'unknown'})`)]
  }
}
