import {
  brotliDecompress,
  brotliDecompressSync,
  constants,
  gunzip,
  gunzipSync,
  inflate,
  inflateRaw,
  inflateRawSync,
  inflateSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib'
import type { Turns } from '../core/bounded.ts'
import { PipelineError } from '../core/errors.ts'

export type Encoding = 'identity' | 'gzip' | 'deflate' | 'br' | 'zstd'

const acceptedEncodings = 'gzip, deflate, br, zstd, identity'

/** Beyond this, inflating moves to the thread pool: a megabyte holds the event loop for 2 to 4 ms. */
const syncBytes = 1 << 20
/** A decoder of zstd reserves its window before the first byte: 2^25 = 32 MB fits every body we take, 2^27 (the default) lets tiny bodies cost 128 MB. */
const zstdWindowLog = 25
/** Parallel compressors make one frame per few megabytes; millions of empty frames would only burn time. */
const maxFrames = 256

/** One encoding or none. Stacked ones are refused: no client sends them, and each layer multiplies what a bomb can do. */
export function encodingOf(header: string | undefined): Encoding {
  if (header === undefined || header === '') return 'identity'
  switch (header) {
    case 'gzip':
    case 'br':
    case 'zstd':
    case 'deflate':
    case 'identity':
      return header
  }
  const named = header
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity')
  if (named.length === 0) return 'identity'
  const [only] = named
  if (named.length === 1 && only === 'x-gzip') return 'gzip'
  if (named.length === 1 && (only === 'gzip' || only === 'br' || only === 'zstd' || only === 'deflate')) return only
  const said = header.length > 40 ? `${header.slice(0, 40)}…` : header
  throw new PipelineError(
    'unsupported_media_type',
    named.length > 1
      ? `content-encoding "${said}" stacks ${named.length} encodings: send one of ${acceptedEncodings}`
      : `content-encoding "${said}" is not known: send one of ${acceptedEncodings}`,
    { details: { acceptEncoding: acceptedEncodings } },
  )
}

/**
 * The whole body, at most `maxBytes` of it. Memory stays below `maxBytes` plus one decoder's window whatever a body claims.
 * `turns` bounds how many large bodies inflate at once: the thread pool is shared with the log's syncs.
 */
export async function inflateBody(encoding: Encoding, wire: Buffer, maxBytes: number, turns: Turns): Promise<Buffer> {
  if (encoding === 'identity' || wire.length === 0) return wire
  const codec = codecOf(encoding, wire)
  if (wire.length <= syncBytes) {
    const done = inflateSmall(encoding, codec, wire, maxBytes)
    if (done !== undefined) return done
  }
  await turns.take()
  try {
    return await frames(encoding, wire, maxBytes, (rest, options) => codec.later(rest, options))
  } finally {
    turns.give()
  }
}

/** `undefined`: it grows beyond what may be inflated while everybody waits. */
function inflateSmall(encoding: Encoding, codec: Codec, wire: Buffer, maxBytes: number): Buffer | undefined {
  const atOnce = Math.min(syncBytes, maxBytes)
  const options: CodecOptions = { maxOutputLength: atOnce, chunkSize: expectedBytes(encoding, wire), info: true }
  try {
    const { buffer, engine } = codec.now(wire, options)
    if (engine.bytesWritten === wire.length || isPadding(encoding, wire, engine.bytesWritten)) return buffer
    if (encoding !== 'zstd') throw trailing(encoding, wire.length - engine.bytesWritten)
    return undefined // several zstd frames: the other path joins them
  } catch (error) {
    if (isTooLarge(error) && atOnce < maxBytes) return undefined
    throw refusal(error, encoding, wire, maxBytes)
  }
}

type CodecOptions = { maxOutputLength: number; chunkSize: number; info: true; params?: Record<number, number> }
type Inflated = { buffer: Buffer; engine: { bytesWritten: number } }

/** zstd allows frames in a row (parallel compressors make them) and node stops after the first; all others must end where the body does. */
async function frames(
  encoding: Encoding,
  wire: Buffer,
  maxBytes: number,
  inflateOne: (rest: Buffer, options: CodecOptions) => Promise<Inflated>,
): Promise<Buffer> {
  const parts: Buffer[] = []
  let from = 0
  let total = 0
  try {
    for (let frame = 1; from < wire.length; frame++) {
      if (frame > maxFrames)
        throw new PipelineError('malformed', `the body has more than ${maxFrames} zstd frames: send one`)
      // node asks for a positive limit; at 1 a further frame with anything in it still fails or is caught below.
      const maxOutputLength = Math.max(1, maxBytes - total)
      const { buffer, engine } = await inflateOne(wire.subarray(from), {
        maxOutputLength,
        chunkSize: 256 * 1024,
        info: true,
      })
      total += buffer.length
      if (total > maxBytes) throw tooLarge(maxBytes)
      parts.push(buffer)
      if (engine.bytesWritten === 0) throw trailing(encoding, wire.length - from)
      from += engine.bytesWritten
      if (isPadding(encoding, wire, from)) break
      if (from < wire.length && encoding !== 'zstd') throw trailing(encoding, wire.length - from)
    }
  } catch (error) {
    throw refusal(error, encoding, wire, maxBytes)
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, total)
}

/** What is written in blocks (tapes, some uploaders) fills the last one with zeros after the gzip stream; gzip itself ignores them. */
function isPadding(encoding: Encoding, wire: Buffer, from: number): boolean {
  return encoding === 'gzip' && from < wire.length && wire.subarray(from).every((byte) => byte === 0)
}

interface Codec {
  now(wire: Buffer, options: CodecOptions): Inflated
  later(wire: Buffer, options: CodecOptions): Promise<Inflated>
}

function codecOf(encoding: Exclude<Encoding, 'identity'>, wire: Buffer): Codec {
  if (encoding === 'gzip') return codec(gunzipSync, gunzip)
  if (encoding === 'br') return codec(brotliDecompressSync, brotliDecompress)
  if (encoding === 'zstd') {
    return codec(zstdDecompressSync, zstdDecompress, { params: { [constants.ZSTD_d_windowLogMax]: zstdWindowLog } })
  }
  // RFC 9110 says zlib's wrapper; some clients send the bare stream. The wrapper's first two bytes tell.
  const first = wire[0] ?? 0
  const isWrapped = (first & 0x0f) === 8 && ((first << 8) | (wire[1] ?? 0)) % 31 === 0
  return isWrapped ? codec(inflateSync, inflate) : codec(inflateRawSync, inflateRaw)
}

type Callback = (error: Error | null, result: Buffer) => void

function codec(
  now: (wire: Buffer, options: CodecOptions) => unknown,
  later: (wire: Buffer, options: CodecOptions, done: Callback) => void,
  more: Pick<CodecOptions, 'params'> = {},
): Codec {
  return {
    now: (wire, options) => told(now(wire, { ...options, ...more })),
    later: (wire, options) =>
      new Promise((resolve, reject) => {
        later(wire, { ...options, ...more }, (error, result) =>
          error === null ? resolve(told(result)) : reject(error),
        )
      }),
  }
}

/** With `info: true` node returns the engine too, which the type declarations do not say. */
function told(result: unknown): Inflated {
  return result as Inflated
}

/** gzip ends with its inflated length: a buffer of that size takes the whole body in one piece. A lie costs at most 64 times the body. */
function expectedBytes(encoding: Encoding, wire: Buffer): number {
  if (encoding !== 'gzip' || wire.length < 18) return 64 * 1024
  const said = wire.readUInt32LE(wire.length - 4)
  return Math.max(1024, Math.min(said + 64, wire.length * 64, syncBytes + 64))
}

function isTooLarge(error: unknown): boolean {
  return (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
}

function tooLarge(maxBytes: number): PipelineError {
  return new PipelineError(
    'too_large',
    `the body inflates to more than ${maxBytes} bytes: send it in smaller batches`,
    {
      details: { maxBytes },
    },
  )
}

function trailing(encoding: Encoding, bytes: number): PipelineError {
  return new PipelineError(
    'malformed',
    `${bytes} bytes follow the end of the ${encoding} data: send one ${encoding} stream`,
  )
}

function refusal(error: unknown, encoding: Encoding, wire: Buffer, maxBytes: number): PipelineError {
  if (error instanceof PipelineError) return error
  if (isTooLarge(error)) return tooLarge(maxBytes)
  const { code, message } = error as { code?: string; message: string }
  const cut = code === 'Z_BUF_ERROR'
  const plain = wire[0] === 0x7b || wire[0] === 0x5b
  const what = plain
    ? `content-encoding says ${encoding}, but the body looks like plain JSON: leave the header out or compress the body`
    : cut
      ? `the ${encoding} data ends after ${wire.length} bytes, before its end: send the whole body`
      : `the body is not valid ${encoding} (${message}): check content-encoding`
  return new PipelineError('malformed', what, { details: { encoding, bytes: wire.length }, cause: error })
}
