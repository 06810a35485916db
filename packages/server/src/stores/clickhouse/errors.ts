import { ClickHouseError } from '@clickhouse/client'
import { type ErrorCode, PipelineError, type PipelineErrorOptions } from '../../core/errors.ts'

/** ClickHouse's error codes that mean something to us; all others say that the statement cannot be run. */
const codes = {
  limits: new Set([158, 159, 160, 167, 168, 191, 241, 306, 307, 396, 569]),
  refused: new Set([164, 291, 344, 446, 452, 497]),
  cancelled: new Set([394]),
  /** Nothing was begun: too many queries or parts, a login that a restart has changed, read-only for now. */
  later: new Set([202, 252, 192, 193, 194, 516, 242]),
} as const

/** The connection was never made, so nothing was sent. */
const notSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'EAI_AGAIN', 'ECONNABORTED'])

/**
 * What a failed insert means:
 * - `unavailable`: surely not stored, try again later
 * - `unknown_result`: it may be stored, wholly or in part: the answer was lost, or it failed after it had begun (a block of several
 *   days becomes several parts, one after another)
 * - `limit_exceeded`: not enough memory for this block at this moment; it may be stored in part, and a smaller one may pass
 * - `malformed`: ClickHouse cannot read the block or the table is another one; never try it again
 */
export function insertError(error: unknown, signal: AbortSignal): PipelineError {
  if (error instanceof PipelineError) return error
  if (error instanceof ClickHouseError) {
    const code = Number(error.code)
    if (codes.later.has(code))
      return mapped('unavailable', `the store does not take rows now: ${reason(error)}`, error, {
        retryAfterSeconds: 1,
      })
    if (codes.refused.has(code)) return mapped('unavailable', `the store refuses our user: ${reason(error)}`, error)
    if (noMemory.has(code))
      return mapped('limit_exceeded', `the store lacks the memory for this block: ${reason(error)}`, error, {
        retry: 'later',
      })
    if (unreadable.has(code)) return mapped('malformed', `the store cannot take this block: ${reason(error)}`, error)
    return mapped('unknown_result', `the store failed while it took rows: ${reason(error)}`, error, { retry: 'later' })
  }
  const system = systemCode(error)
  if (notSent.has(system) || isCertificate(system)) return unreachable(error)
  const why = signal.aborted ? 'it was given up' : system
  return mapped('unknown_result', `the store's answer to an insert was lost (${why})`, error, { retry: 'later' })
}

/** MEMORY_LIMIT_EXCEEDED, CANNOT_ALLOCATE_MEMORY */
const noMemory = new Set([241, 173])

/** Type, parse, column and table errors: the block, not the moment. A block is read whole before its first row is stored. */
const unreadable = new Set([
  6, 8, 9, 10, 16, 26, 27, 32, 33, 36, 38, 41, 43, 44, 47, 50, 53, 60, 62, 69, 70, 72, 81, 108, 117, 128, 131, 261, 306,
  321, 349, 353, 407, 441, 457, 636,
])

/** What a failed question means; `message` is fit for whoever asked. */
export function queryError(error: unknown, signal: AbortSignal): PipelineError {
  if (error instanceof PipelineError) return error
  if (signal.aborted) return mapped('cancelled', 'the query was given up', error)
  if (error instanceof ClickHouseError) {
    const code = Number(error.code)
    const why = reason(error)
    if (codes.limits.has(code)) return mapped('limit_exceeded', why, error)
    if (codes.refused.has(code)) return mapped('query_refused', why, error)
    if (codes.cancelled.has(code)) return mapped('cancelled', 'the query was ended', error)
    if (codes.later.has(code))
      return mapped('unavailable', `the store cannot answer now: ${why}`, error, { retryAfterSeconds: 1 })
    return mapped('query_failed', why, error)
  }
  return unreachable(error)
}

/** Said by Node's TLS before anything was sent. */
function isCertificate(system: string): boolean {
  return /^(ERR_TLS_CERT|CERT_|CRL_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_CA|PATH_LENGTH)/.test(
    system,
  )
}

function unreachable(error: unknown): PipelineError {
  const system = systemCode(error)
  return mapped('unavailable', `the store cannot be reached (${system}${hint(system)})`, error, {
    retryAfterSeconds: 1,
  })
}

/** What a person may do about it. */
function hint(system: string): string {
  if (system === 'ERR_TLS_CERT_ALTNAME_INVALID') return ': its certificate is for another name than that of store.url'
  if (system === 'CERT_HAS_EXPIRED') return ': its certificate has expired'
  if (isCertificate(system))
    return ': nobody we trust signed its certificate; name its authority in store.caCertificate'
  if (system === 'EPROTO') return ': no HTTPS there; is it the right port of store.url?'
  return ''
}

function mapped(code: ErrorCode, message: string, cause: unknown, options: PipelineErrorOptions = {}): PipelineError {
  const details = cause instanceof ClickHouseError ? { clickhouse: Number(cause.code), type: cause.type } : {}
  return new PipelineError(code, message, { ...options, cause, details })
}

/** ClickHouse's message without what is ours alone: users, versions, addresses, folders. Data of events is not in an insert's. */
function reason(error: ClickHouseError): string {
  const text = error.message
    .replace(/^(Code: \d+\. )?(DB::Exception: )?/, '')
    .replace(/^[\w-]+: (?=Not enough privileges|Authentication failed)/, '')
    .replace(/\s*\(version [^)]*\)\s*$/, '')
    .replace(/\s*If you (use|have installed) ClickHouse[\s\S]*$/, '')
    .replace(/(?:\/[^\s'"`/]+)*\/store\/[0-9a-f]{3}\/\S*/g, '<table files>')
    .replace(/\b(?:127\.0\.0\.1|localhost|\[::1\]):\d+/g, '<store>')
    .trim()
  const short = text.length > maxReason ? `${text.slice(0, maxReason)} …` : text
  return `${short} (${error.type ?? error.code})`.replace(/\s*\((\w+)\)\.? \(\1\)$/, ' ($1)')
}

/** A syntax error lists everything that might have stood there. */
const maxReason = 600

function systemCode(error: unknown): string {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    const { code } = at as NodeJS.ErrnoException
    if (typeof code === 'string' && code !== '') return code
  }
  // A proxy's page in place of an answer.
  const text = error instanceof Error ? error.message || error.name : String(error)
  return text.length > maxForeign ? `${text.slice(0, maxForeign)} …` : text
}

const maxForeign = 200
