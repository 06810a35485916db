import { gunzipSync } from 'node:zlib'
import { PipelineError } from '../core/errors.ts'
import type { DecodeContext } from './decode.ts'
import { inflateLz64 } from './posthog-lz.ts'

/** A form within a form within a form: nobody sends that. */
const maxLayers = 4

/**
 * What a PostHog client sent, down to its JSON. `content-encoding` is undone already; beyond that its clients wrap in layers, and say so
 * in `?compression=`, in a form, or nowhere: what the bytes are decides, what was said settles the rest.
 *
 *   body   = JSON | gzip(body) | base64(body) | form | lz64, when `compression=lz64` says so
 *   form   = `data=` body, url-encoded, with `compression=` beside it
 *
 * `?data=` stands for the body. Every layer is bounded by `maxBytes`, which is PipelineError `too_large`. JSON comes back as it is.
 */
export function openPosthogBody(
  body: Uint8Array,
  { query, contentType }: Pick<DecodeContext, 'query' | 'contentType'>,
  maxBytes: number,
): Buffer {
  const asked = query?.['data']
  let bytes = asked === undefined || asked === '' ? asBuffer(body) : Buffer.from(asked)
  let compression = query?.['compression']
  for (let layer = 0; layer < maxLayers; layer++) {
    if (isGzip(bytes)) bytes = gunzip(bytes, maxBytes)
    else if (looksLikeJson(bytes)) return bytes
    else if (isForm(bytes, contentType)) {
      compression = formField(bytes, 'compression')?.toString('latin1') ?? compression
      bytes = withPluses(formField(bytes, 'data') ?? Buffer.alloc(0))
    } else if (compression === 'lz64' || compression === 'lz-string') {
      bytes = unlz(bytes, maxBytes)
      compression = undefined
    } else if (isBase64(bytes)) bytes = Buffer.from(bytes.toString('latin1'), 'base64')
    else return bytes
  }
  return bytes
}

function asBuffer(body: Uint8Array): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.from(body.buffer, body.byteOffset, body.byteLength)
}

function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8
}

/** The first byte that is no white space or byte order mark begins an object or an array. */
function looksLikeJson(bytes: Buffer): boolean {
  let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0
  while (at < bytes.length && (bytes[at] === 0x20 || (bytes[at]! >= 0x09 && bytes[at]! <= 0x0d))) at++
  return bytes[at] === 0x7b || bytes[at] === 0x5b
}

function isForm(bytes: Buffer, contentType: string): boolean {
  const start = bytes.toString('latin1', 0, 256)
  if (/^(?:data|compression|ip|ver|_)=/.test(start) && bytes.includes('data=')) return true
  return contentType === 'application/x-www-form-urlencoded' && /(?:^|&)data=/.test(start)
}

/**
 * One field of a url-encoded form, decoded. Only that one is looked at: a form may be megabytes of others.
 *   form = [ pair *( "&" pair ) ]; pair = name "=" *( "+" | "%" 2HEX | byte )
 */
function formField(form: Buffer, name: string): Buffer | undefined {
  const wanted = `${name}=`
  for (let from = 0; from >= 0 && from < form.length; ) {
    const at = form.indexOf(wanted, from)
    if (at < 0) return undefined
    if (at === 0 || form[at - 1] === ampersand) {
      const end = form.indexOf('&', at)
      return unescapeForm(form.subarray(at + wanted.length, end < 0 ? form.length : end))
    }
    from = at + wanted.length
  }
  return undefined
}

const ampersand = 0x26
const percent = 0x25
const plus = 0x2b
const space = 0x20

function unescapeForm(text: Buffer): Buffer {
  if (!text.includes(percent) && !text.includes(plus)) return text
  const out = Buffer.allocUnsafe(text.length)
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const byte = text[at] as number
    const high = byte === percent ? hexDigit(text[at + 1]) : -1
    const low = high < 0 ? -1 : hexDigit(text[at + 2])
    if (low >= 0) at += 2
    out[length++] = low >= 0 ? high * 16 + low : byte === plus ? space : byte
  }
  return out.subarray(0, length)
}

function hexDigit(byte: number | undefined): number {
  if (byte === undefined) return -1
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** A `+` of base64 that was not escaped is a space by now; JSON's own spaces stay. */
function withPluses(data: Buffer): Buffer {
  if (looksLikeJson(data) || isGzip(data) || !data.includes(space)) return data
  const fixed = Buffer.from(data)
  for (let at = fixed.indexOf(space); at >= 0; at = fixed.indexOf(space, at + 1)) fixed[at] = plus
  return fixed
}

/** Standard or for URLs, with or without its filling, over lines or not. */
function isBase64(bytes: Buffer): boolean {
  return bytes.length > 0 && /^[A-Za-z0-9+/_=\r\n-]*$/.test(bytes.toString('latin1'))
}

function gunzip(bytes: Buffer, maxBytes: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
    throw new PipelineError('malformed', `the body begins like gzip but is not (${bytes.length} bytes): send it whole`)
  }
}

/** Only libraries of years ago send it, a page's few events at a time; a megabyte takes 200 ms. */
const maxLzBytes = 1_000_000

function unlz(bytes: Buffer, maxBytes: number): Buffer {
  if (bytes.length > maxLzBytes) {
    throw new PipelineError(
      'too_large',
      `the body has ${bytes.length} bytes of lz-string, at most ${maxLzBytes} are taken: send gzip`,
      { details: { maxBytes: maxLzBytes } },
    )
  }
  const text = inflateLz64(bytes.toString('latin1'), maxBytes)
  if (text === undefined) {
    throw new PipelineError('malformed', 'compression=lz64 says lz-string as base64, but the body is not that')
  }
  const json = text === 'too large' ? undefined : Buffer.from(text)
  if (json === undefined || json.length > maxBytes) throw tooLarge(maxBytes)
  return json
}

function tooLarge(maxBytes: number): PipelineError {
  return new PipelineError(
    'too_large',
    `the body inflates to more than ${maxBytes} bytes: send it in smaller batches`,
    { details: { maxBytes } },
  )
}
