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
      const form = new URLSearchParams(bytes.toString('utf8'))
      compression = form.get('compression') ?? compression
      // A `+` of base64 that was not escaped is a space by now; JSON's own spaces stay.
      const data = (form.get('data') ?? '').trimStart()
      bytes = Buffer.from(/^[{[]/.test(data) ? data : data.replaceAll(' ', '+'))
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

/** Standard or for URLs, with or without its filling, over lines or not. */
function isBase64(bytes: Buffer): boolean {
  if (bytes.length === 0) return false
  for (const byte of bytes) {
    const isDigit = (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x30 && byte <= 0x39)
    // + - / _ = and line ends
    if (!isDigit && !(byte === 0x2b || byte === 0x2d || byte === 0x2f || byte === 0x5f || byte === 0x3d)) {
      if (byte !== 0x0a && byte !== 0x0d) return false
    }
  }
  return true
}

function gunzip(bytes: Buffer, maxBytes: number): Buffer {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes })
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(maxBytes)
    throw new PipelineError('malformed', `the body begins like gzip but is not (${bytes.length} bytes): send it whole`)
  }
}

function unlz(bytes: Buffer, maxBytes: number): Buffer {
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
