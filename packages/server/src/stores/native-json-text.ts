import { parseJson, stringifyJson } from '@millrace/protocol'
import type { NativeWriter } from './native-writer.ts'

/**
 * JSON text for ClickHouse's own parser, which refuses what JSON allows and would refuse the whole block with it:
 * - integers beyond 64 bits: written as Float64
 * - escapes of lone surrogates: written as U+FFFD
 * - nesting beyond its depth: the value is left out
 * All else is copied as it is.
 */
export function appendEngineText(out: NativeWriter, source: Uint8Array, start: number, end: number): void {
  if (!isSuspect(source, start, end)) return out.string(source, start, end)
  const text = Buffer.from(source.buffer, source.byteOffset + start, end - start).toString('utf8')
  out.text(stringifyJson(tame(parseJson(text), 0)))
}

const depthMax = 500
const surrogate = Buffer.from('\\ud')

/** A long run of digits, an escaped surrogate, or deep nesting; a cheap look that may be wrong in one direction only. */
function isSuspect(source: Uint8Array, start: number, end: number): boolean {
  let digits = 0
  let opened = 0
  for (let at = start; at < end; at++) {
    const byte = source[at] as number
    if (byte >= 0x30 && byte <= 0x39) {
      if (++digits === 19) return true
      continue
    }
    digits = 0
    if (byte === 0x5c && source[at + 1] === surrogate[1]) {
      const next = source[at + 2]
      if (next === 0x64 || next === 0x44) return true
    } else if ((byte === 0x7b || byte === 0x5b) && ++opened === depthMax) return true
  }
  return false
}

/** `rawJSON` is in Node 24 but not yet in TypeScript's library. */
interface ExactJson {
  rawJSON(text: string): object
  isRawJSON(value: unknown): boolean
}
const exactJson = JSON as unknown as ExactJson

const int64Min = -(2n ** 63n)
const uint64Max = 2n ** 64n - 1n

function tame(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') {
    // A fraction makes it a Float64 for ClickHouse too.
    return value >= int64Min && value <= uint64Max ? value : exactJson.rawJSON(`${value}.0`)
  }
  if (typeof value !== 'object' || value === null || exactJson.isRawJSON(value)) return value
  if (depth > depthMax) return null
  if (Array.isArray(value)) return value.map((each) => tame(each, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, tame(each, depth + 1)]))
}
