import { PipelineError } from '../core/errors.ts'

/**
 * Lines, each its own JSON value; empty ones are skipped, `\r\n` is fine. Throws PipelineError('too_large') beyond `limit` lines.
 */
export function splitLines(body: Uint8Array, limit: number): readonly Uint8Array[] {
  const lines: Uint8Array[] = []
  for (let at = 0; at < body.length; ) {
    const newline = body.indexOf(0x0a, at)
    const end = newline === -1 ? body.length : newline
    const bytes = body.subarray(at, end)
    at = end + 1
    if (isBlank(bytes)) continue
    if (lines.length === limit) throw tooManyEvents(limit)
    lines.push(bytes)
  }
  return lines
}

export function tooManyEvents(limit: number, count?: number): PipelineError {
  const has = count === undefined ? `more than ${limit}` : String(count)
  return new PipelineError(
    'too_large',
    `the body has ${has} events, at most ${limit} are allowed; send smaller batches`,
    {
      details: { limit },
    },
  )
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return false
  return true
}
