import { PipelineError } from '../core/errors.ts'
import { maxKeyBytes, maxValueBytes } from './cache.ts'

/** A key as the stores keep it: its UTF-8 bytes, so that order and prefixes are those of the bytes. */
export function encodeKey(key: string): Buffer {
  const bytes = Buffer.from(key, 'utf8')
  if (bytes.length === 0 || bytes.length > maxKeyBytes) {
    throw new PipelineError('internal', `a kv key has ${bytes.length} bytes of UTF-8, allowed are 1 to ${maxKeyBytes}`)
  }
  if (!key.isWellFormed()) {
    throw new PipelineError('internal', 'a kv key holds half a surrogate pair, which UTF-8 cannot keep')
  }
  return bytes
}

/** As `encodeKey`, for stores that take keys as they are: an ordinary one is not encoded to be measured. */
export function checkKey(key: string): void {
  if (key.length === 0 || key.length * 3 > maxKeyBytes || !key.isWellFormed()) encodeKey(key)
}

/** The first key behind all keys that start with `prefix`: 0xff never occurs in UTF-8. */
export function endOfPrefix(prefix: Buffer): Buffer {
  return Buffer.concat([prefix, Buffer.from([0xff])])
}

export function checkValue(value: Uint8Array): void {
  if (value.length > maxValueBytes) {
    throw new PipelineError('internal', `a kv value has ${value.length} bytes, at most ${maxValueBytes} are kept`)
  }
}
