import { ByteWriter } from '@millrace/protocol'
import { encodeStatus } from '../otlp-answer.ts'
import type { GrpcStatus } from './status.ts'

/** Of the answer's end: `grpc-status`, `grpc-message`, and where it may come again later, after how long. */
export function statusTrailers(status: GrpcStatus): Record<string, string> {
  const trailers: Record<string, string> = { 'grpc-status': String(status.code) }
  if (status.message !== '') trailers['grpc-message'] = percentEncode(status.message)
  if (status.retryAfterSeconds !== undefined) {
    trailers['grpc-status-details-bin'] = base64(encodeStatus(status))
    // Where the exporter for Python looks.
    trailers['google.rpc.retryinfo-bin'] = base64(retryInfo(status.retryAfterSeconds))
  }
  return trailers
}

/** RetryInfo = retry_delay 1: Duration; Duration = seconds 1 */
function retryInfo(seconds: number): Uint8Array {
  const writer = new ByteWriter(16)
  writer.varint32((1 << 3) | 2)
  const duration = writer.open()
  writer.varint32(1 << 3)
  writer.varint32(seconds)
  writer.close(duration)
  return writer.take()
}

/** As `-bin` trailers have it: without padding. */
function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64').replace(/=+$/, '')
}

/** Beyond it, some clients refuse the trailers altogether. */
const maxMessageLength = 1000

/** `grpc-message`: UTF-8, where all but printable ASCII, and `%`, is `%XX`. */
function percentEncode(message: string): string {
  const bytes = Buffer.from(message.slice(0, maxMessageLength).toWellFormed(), 'utf8')
  let text = ''
  for (const byte of bytes)
    text +=
      byte >= 0x20 && byte <= 0x7e && byte !== 0x25
        ? String.fromCharCode(byte)
        : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  return text
}
