import { PipelineError } from '../core/errors.ts'
import { readJson } from './json.ts'

/** One line of NDJSON: its value, or what is wrong with it. */
export interface NdjsonLine {
  readonly bytes: Uint8Array
  readonly value: unknown
  readonly mayHaveInfinite: boolean
  /** Set when the line cannot be read; `value` is undefined then. */
  readonly issue?: string
}

/**
 * Lines, each its own JSON value; empty ones are skipped, `\r\n` is fine. A line that cannot be read (cut, too deep, not
 * UTF-8) is one bad event and its neighbours go on. Throws PipelineError('too_large') beyond `limit` lines.
 */
export function readNdjson(body: Uint8Array, limit: number): readonly NdjsonLine[] {
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
  let isSuspect = false
  return lines.map((bytes) => {
    const line = readLine(bytes, isSuspect)
    isSuspect ||= line.issue !== undefined
    return line
  })
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

function readLine(bytes: Uint8Array, isSuspect: boolean): NdjsonLine {
  const line = readJson(bytes, isSuspect)
  if (!('problem' in line)) return { bytes, ...line }
  return { bytes, value: undefined, mayHaveInfinite: false, issue: `: the line ${line.problem}` }
}

function isBlank(bytes: Uint8Array): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return false
  return true
}
