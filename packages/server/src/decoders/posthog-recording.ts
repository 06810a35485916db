import { gunzipSync } from 'node:zlib'
import { stringifyJson } from '@millrace/protocol'
import { PipelineError } from '../core/errors.ts'
import type { Issue } from './issues.ts'
import { isObject } from './issues.ts'

type Json = Record<string, unknown>

/** How much the recordings of a body may still inflate to; beyond it the body is `too_large`. */
export interface InflateBudget {
  bytes: number
}

/** The fields that posthog-js compresses in an incremental snapshot's data; of a full one, the data as a whole. */
const compressed: ReadonlySet<string> = new Set(['texts', 'attributes', 'removes', 'adds'])

/**
 * An rrweb event as its own JSON, which is what a player takes. posthog-js compresses parts of it (`cv: "2024-10"`): gzip of JSON, its
 * bytes as the characters of a string. They are put in as they are, without being read: a whole document may be too deep for that.
 */
export function recordingText(item: Json, issues: Issue[], budget: InflateBudget): Uint8Array {
  if (item['cv'] === undefined) return bytesOf(stringifyJson(item))
  const members = Object.keys(item)
    .filter((key) => key !== 'cv')
    .map((key) => member(key, key === 'data' ? dataText(item['data'], issues, budget) : stringifyJson(item[key])))
  return bytesOf(`{${members.join(',')}}`)
}

/** Plain bytes: a Buffer shows itself as an object of numbers where it is written as JSON. */
function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

function member(key: string, text: string): string {
  return `${JSON.stringify(key)}:${text}`
}

function dataText(data: unknown, issues: Issue[], budget: InflateBudget): string {
  if (typeof data === 'string') return inflateText(data, '/data', issues, budget)
  if (!isObject(data)) return stringifyJson(data)
  const members = Object.keys(data).map((key) => {
    const value = data[key]
    const text =
      compressed.has(key) && typeof value === 'string'
        ? inflateText(value, `/data/${key}`, issues, budget)
        : stringifyJson(value)
    return member(key, text)
  })
  return `{${members.join(',')}}`
}

function inflateText(text: string, pointer: string, issues: Issue[], budget: InflateBudget): string {
  try {
    const json = gunzipSync(Buffer.from(text, 'latin1'), { maxOutputLength: Math.max(1, budget.bytes) })
    budget.bytes -= json.length
    const inflated = json.toString('utf8')
    JSON.parse(inflated)
    return inflated
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new PipelineError('too_large', 'the recordings of the body inflate to too much: send smaller chunks')
    }
    issues.push(`${pointer}: expected gzip of JSON as a string, got string(${text.length})`)
    return JSON.stringify(text)
  }
}
