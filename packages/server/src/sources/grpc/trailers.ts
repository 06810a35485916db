import { encodeStatus } from '../otlp-answer.ts'
import type { GrpcStatus } from './status.ts'

/** Of the answer's end: `grpc-status`, `grpc-message`, and with a delay `grpc-status-details-bin` (a google.rpc.Status, base64). */
export function statusTrailers(status: GrpcStatus): Record<string, string> {
  const trailers: Record<string, string> = { 'grpc-status': String(status.code) }
  if (status.message !== '') trailers['grpc-message'] = percentEncode(status.message)
  if (status.retryAfterSeconds !== undefined)
    trailers['grpc-status-details-bin'] = Buffer.from(encodeStatus(status)).toString('base64').replace(/=+$/, '')
  return trailers
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
