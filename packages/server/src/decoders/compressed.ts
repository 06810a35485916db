import { gunzipSync, inflateSync } from 'node:zlib'
import { PipelineError } from '../core/errors.ts'
import { maxInflatedBytes } from './limits.ts'

/** Inflates what is compressed within a body; all of a body together may grow to `maxInflatedBytes`. */
export interface Inflater {
  /**
   * Undefined when the bytes are not compressed: gzip and zlib say so in their first two bytes, which no JSON begins with. Throws
   * PipelineError('malformed') for what is broken and 'too_large' beyond the limit.
   */
  inflate(bytes: Uint8Array): Uint8Array | undefined
}

export function createInflater(limit = maxInflatedBytes): Inflater {
  let left = limit
  return {
    inflate(bytes) {
      const isGzip = bytes[0] === 0x1f && bytes[1] === 0x8b
      if (!isGzip && !isZlib(bytes)) return undefined
      // Zero would mean no limit.
      const options = { maxOutputLength: Math.max(1, left) }
      try {
        const plain = isGzip ? gunzipSync(bytes, options) : inflateSync(bytes, options)
        left -= plain.length
        return plain
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
          throw new PipelineError(
            'too_large',
            `what is compressed in the body is more than ${limit} bytes: send it in parts`,
            {
              details: { limit },
            },
          )
        }
        throw new PipelineError(
          'malformed',
          `${bytes.length} bytes begin as ${isGzip ? 'gzip' : 'zlib'}, but are broken`,
        )
      }
    },
  }
}

/** RFC 1950: deflate with a window of up to 32 KB, and a check over both bytes. */
function isZlib(bytes: Uint8Array): boolean {
  const [first = 0, second = 0] = bytes
  return (first & 0x0f) === 8 && first >> 4 <= 7 && first !== 0x08 && ((first << 8) | second) % 31 === 0
}

/** Bytes of a base64 text, also of its URL form; undefined when it is not base64 (Buffer skips what it does not know). */
export function decodeBase64(text: string): Uint8Array | undefined {
  const bare = text.replace(/=+$/, '')
  const bytes = Buffer.from(bare, 'base64')
  return Math.ceil((bytes.length * 4) / 3) === bare.length ? bytes : undefined
}
