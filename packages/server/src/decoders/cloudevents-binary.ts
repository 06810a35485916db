import { isUtf8 } from 'node:buffer'
import type { Issue } from './issues.ts'
import { setKey } from './issues.ts'
import { readJson } from './json.ts'

/** Any of these makes a request an event in binary mode: the rest may be missing, and is asked for then. */
const telling = ['ce-specversion', 'ce-id', 'ce-source', 'ce-type']

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>

export function hasBinaryAttributes(headers: Headers): boolean {
  return telling.some((name) => headers[name] !== undefined)
}

/**
 * `ce-<attribute>` headers as attributes: strings, percent-encoded UTF-8 as the HTTP binding asks for, or quoted. Undefined when the
 * request is no event in binary mode.
 */
export function binaryAttributes(headers: Headers): Record<string, unknown> | undefined {
  if (!hasBinaryAttributes(headers)) return undefined
  const attributes: Record<string, unknown> = {}
  for (const name in headers) {
    const value = headers[name]
    if (typeof value === 'string' && name.startsWith('ce-') && name.length > 3) {
      setKey(attributes, name.slice(3), headerText(value))
    }
  }
  return attributes
}

function headerText(value: string): string {
  const isQuoted = value.length >= 2 && value.startsWith('"') && value.endsWith('"')
  const text = isQuoted ? value.slice(1, -1).replace(/\\(.)/gs, '$1') : value
  if (!text.includes('%')) return text.toWellFormed()
  try {
    return decodeURIComponent(text)
  } catch {
    // A percent sign that encodes nothing: then it was written as it is.
    return text.toWellFormed()
  }
}

const jsonType = /^(?:application|text)\/json$|\+json$/i

/** The body as the structured mode would hold it: JSON as its value, text as a string, all else in base64. */
export function readBinaryData(
  body: Uint8Array,
  mediaType: string,
  issues: Issue[],
): { data: unknown } | { data_base64: string } | undefined {
  if (body.length === 0) return undefined
  if (jsonType.test(mediaType)) {
    const json = readJson(body, false)
    if (!('problem' in json) && !json.mayHaveInfinite) return { data: json.value }
    const what = 'problem' in json ? json.problem : 'holds a number beyond the range of a double'
    issues.push(`/data: is said to be JSON, but ${what}`)
  } else if (mediaType.startsWith('text/') && isUtf8(body)) return { data: Buffer.from(body).toString('utf8') }
  return { data_base64: Buffer.from(body).toString('base64') }
}
