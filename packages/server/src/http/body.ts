import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import { createTurns } from '../core/bounded.ts'
import { PipelineError } from '../core/errors.ts'
import type { HttpLimits } from './config.ts'
import type { Slot } from './in-flight.ts'
import { type Encoding, encodingOf, inflateBody } from './inflate.ts'

/** How many large bodies inflate at once: half of node's thread pool, so that the log's syncs find a thread. */
const inflatingAtOnce = 2
/** How long the rest of a refused body is thrown away before the connection is cut: an answer sent into a full pipe would be lost. */
const lingerMs = 2000

const nothing = Buffer.alloc(0)

export type BodyLimits = Pick<HttpLimits, 'maxBodyBytes' | 'bodyTimeoutMs' | 'bodyStallMs'>

/**
 * What a dialect wraps its bodies in beside `content-encoding`: called with the inflated body and the most that may come out of it.
 * MUST throw PipelineError `too_large` rather than return more.
 */
export type OpenBody = (body: Buffer, maxBytes: number) => Buffer

/** Reads request bodies whole, inflated, within limits of size and time. One per listener. */
export interface BodyReader {
  /**
   * The bytes count in `slot` until it leaves. Throws PipelineError `too_large`, `slow_body`, `unsupported_media_type`, `malformed`,
   * `unavailable`, or `cancelled` when the client went away.
   */
  read(request: IncomingMessage, slot: Slot, open?: OpenBody): Promise<Buffer>
  /** The bytes as they come on any stream, under the same limits. */
  receive(stream: Readable, slot: Slot): Promise<Buffer>
  /** What `wire` inflates to, in place of it in `slot`; `wireBytes` of it are given back. */
  inflate(encoding: Encoding, wire: Buffer, slot: Slot, wireBytes?: number): Promise<Buffer>
  /** After an answer to a request whose body was not read to its end: throw the rest away for a while, then cut the connection. */
  abandon(request: IncomingMessage): void
  /** Stops watching; no body is read any more. */
  close(): void
}

/** Looked after by the reader's one timer. */
interface Watched {
  expire(now: number): void
}

export function createBodyReader(limits: BodyLimits, now: () => number = Date.now): BodyReader {
  const turns = createTurns(inflatingAtOnce)
  // One timer looks after all bodies: most arrive with their head, and a timer of their own would cost more than reading them.
  const watched = new Set<Watched>()
  const every = Math.max(10, Math.min(1000, limits.bodyStallMs / 4, limits.bodyTimeoutMs / 4))
  const timer = setInterval(() => {
    const at = now()
    for (const body of watched) body.expire(at)
  }, every)
  timer.unref()

  /** Hot path: three listeners, never taken off again (they go with the request), and one object for the timer. */
  function receive(request: Readable, slot: Slot): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      let first: Buffer | undefined
      let more: Buffer[] | undefined
      let bytes = 0
      let isDone = false
      const startedAt = now()
      let lastAt = startedAt
      const fail = (error: Error) => {
        if (isDone) return
        isDone = true
        watched.delete(watch)
        reject(error)
      }
      const watch: Watched = {
        expire(at) {
          if (at - lastAt > limits.bodyStallMs)
            fail(slow(`no byte of the body came for ${limits.bodyStallMs} ms`, bytes))
          else if (at - startedAt > limits.bodyTimeoutMs) {
            fail(slow(`the body took more than ${limits.bodyTimeoutMs} ms`, bytes))
          }
        },
      }
      const onData = (chunk: Buffer) => {
        if (isDone) return
        bytes += chunk.length
        if (bytes > limits.maxBodyBytes) return fail(tooLarge(limits.maxBodyBytes))
        try {
          slot.grow(chunk.length)
        } catch (error) {
          return fail(error as Error)
        }
        lastAt = now()
        if (first === undefined) first = chunk
        else {
          more ??= [first]
          more.push(chunk)
        }
      }
      const onEnd = () => {
        if (isDone) return
        isDone = true
        watched.delete(watch)
        resolve(more === undefined ? (first ?? nothing) : Buffer.concat(more, bytes))
      }
      const onGone = () => {
        // `close` comes after every request: no error is made for those that were read.
        if (!isDone) fail(new PipelineError('cancelled', `the client went away after ${bytes} bytes of its body`))
      }
      if (request.destroyed) return onGone()
      watched.add(watch)
      request.on('data', onData)
      request.on('end', onEnd)
      // Both: an error that nobody hears would end the process.
      request.on('error', onGone)
      request.on('close', onGone)
    })
  }

  async function inflate(encoding: Encoding, wire: Buffer, slot: Slot, wireBytes = wire.length): Promise<Buffer> {
    if (encoding === 'identity') return wire
    const body = await inflateBody(encoding, wire, limits.maxBodyBytes, turns)
    slot.grow(body.length)
    slot.shrink(wireBytes)
    return body
  }

  return {
    receive,
    inflate,
    async read(request, slot, open) {
      const { headers } = request
      const encoding = encodingOf(headers['content-encoding'])
      const length = headers['content-length']
      if (length !== undefined && Number(length) > limits.maxBodyBytes)
        throw tooLarge(limits.maxBodyBytes, Number(length))
      const wire = await receive(request, slot)
      const inflated = encoding === 'identity' ? wire : await inflate(encoding, wire, slot)
      const body = open?.(inflated, limits.maxBodyBytes) ?? inflated
      if (body !== inflated) {
        slot.grow(body.length)
        slot.shrink(inflated.length)
      }
      return body
    },
    abandon(request) {
      if (request.complete || request.destroyed) return
      const startedAt = now()
      const rest: Watched = {
        expire(at) {
          if (request.complete || request.destroyed) watched.delete(rest)
          else if (at - startedAt > Math.min(lingerMs, limits.bodyTimeoutMs)) {
            watched.delete(rest)
            request.socket.destroy()
          }
        },
      }
      watched.add(rest)
      request.on('error', () => undefined)
      request.resume()
    },
    close() {
      clearInterval(timer)
      watched.clear()
    },
  }
}

function slow(what: string, bytes: number): PipelineError {
  return new PipelineError('slow_body', `${what} (${bytes} bytes so far): send it faster or in smaller batches`, {
    details: { bytes },
  })
}

function tooLarge(maxBytes: number, bytes?: number): PipelineError {
  const has = bytes === undefined ? `more than ${maxBytes}` : `${bytes}`
  return new PipelineError(
    'too_large',
    `the body has ${has} bytes, at most ${maxBytes} are taken: send it in smaller batches`,
    {
      details: { maxBytes, ...(bytes === undefined ? {} : { bytes }) },
    },
  )
}
