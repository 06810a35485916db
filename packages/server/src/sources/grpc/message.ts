import { PipelineError } from '../../core/errors.ts'

/*
 * The body of a unary call, and of its answer (gRPC over HTTP/2):
 *
 *   body    = message                      exactly one: no method here streams
 *   message = flag length bytes
 *   flag    = u8                           0: as it is, 1: compressed as header `grpc-encoding` says
 *   length  = u32 big-endian               of `bytes`
 *
 * Header `grpc-timeout` = 1*8DIGIT ("H" / "M" / "S" / "m" / "u" / "n"), from hours to nanoseconds.
 */

/** Before each message. */
export const prefixBytes = 5

/** What compressed messages may say; the first two are what every client has. */
const encodings = ['gzip', 'deflate', 'br', 'zstd'] as const
export type MessageEncoding = 'identity' | (typeof encodings)[number]
export const acceptedEncodings = `identity,${encodings.join(',')}`

export interface Message {
  readonly bytes: Buffer
  readonly encoding: MessageEncoding
}

/** Throws `malformed`, `too_large` or `unsupported_media_type`. `saidEncoding` is the header `grpc-encoding`. */
export function readMessage(body: Buffer, saidEncoding: string | undefined, maxBytes: number): Message {
  if (body.length < prefixBytes)
    throw new PipelineError('malformed', `the call holds ${body.length} bytes and no message: send one`)
  const flag = body.readUInt8(0)
  const length = body.readUInt32BE(1)
  const has = body.length - prefixBytes
  if (flag > 1) throw new PipelineError('malformed', `a message’s first byte is ${flag}: it must be 0 or 1`)
  if (length > maxBytes) throw tooLarge(length, maxBytes)
  if (length > has)
    throw new PipelineError('malformed', `the message says ${length} bytes, but ${has} came: send all of it`)
  if (length < has)
    throw new PipelineError('malformed', `${has - length} bytes follow the message: a call takes exactly one`)
  const bytes = body.subarray(prefixBytes)
  return { bytes, encoding: flag === 0 ? 'identity' : encodingOf(saidEncoding) }
}

export function frameMessage(bytes: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(prefixBytes + bytes.length)
  framed.writeUInt8(0, 0)
  framed.writeUInt32BE(bytes.length, 1)
  framed.set(bytes, prefixBytes)
  return framed
}

export function tooLarge(bytes: number, maxBytes: number): PipelineError {
  return new PipelineError(
    'too_large',
    `the message has ${bytes} bytes, at most ${maxBytes} are taken: send it in smaller batches`,
    { details: { maxBytes, bytes } },
  )
}

const unitMs: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1000, m: 1, u: 0.001, n: 0.000001 }

/** Milliseconds until the caller gives up; undefined: it waits. Throws `malformed`. */
export function timeoutMs(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? []
  if (digits === undefined || unit === undefined)
    throw new PipelineError('malformed', 'grpc-timeout must be at most 8 digits and one of H, M, S, m, u, n')
  return Number(digits) * unitMs[unit]!
}

function encodingOf(said: string | undefined): MessageEncoding {
  const encoding = said ?? 'identity'
  if (encoding === 'identity')
    throw new PipelineError('malformed', 'the message is marked as compressed, but grpc-encoding names no compression')
  const known = encodings.find((name) => name === encoding)
  if (known !== undefined) return known
  throw new PipelineError(
    'unsupported_media_type',
    `grpc-encoding "${encoding.slice(0, 40)}" is not known: use one of ${acceptedEncodings}`,
  )
}
