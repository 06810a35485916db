import { PipelineError } from '../core/errors.ts'

/**
 * `Text/Plain; charset=UTF-8` → `text/plain`; `''` when the header is missing or empty. Anything after `;` but a charset is ignored.
 * JSON and text are UTF-8 here: another charset is refused instead of read wrongly.
 */
export function mediaTypeOf(header: string | undefined): string {
  if (header === undefined) return ''
  const end = header.indexOf(';')
  if (end < 0) return header === 'application/json' ? header : header.trim().toLowerCase()
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(header)?.[1]?.toLowerCase()
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') {
    throw new PipelineError('unsupported_media_type', `charset "${charset.slice(0, 40)}" is not taken: send UTF-8`)
  }
  const type = header.slice(0, end).trim().toLowerCase()
  return type === '' ? header : type
}

/** The same without judging: what a refusal says its answer's form by. */
export function saidMediaType(header: string | undefined): string {
  return (header?.split(';', 1)[0] ?? '').trim().toLowerCase()
}

/** Throws `unsupported_media_type`, naming what is accepted, unless `type` is one of `accepted`. */
export function checkMediaType(type: string, accepted: readonly string[]): void {
  if (accepted.includes(type)) return
  const accept = accepted.filter((name) => name !== '').join(', ')
  const said = type === '' ? 'without a content-type' : `of content-type "${type.slice(0, 80)}"`
  throw new PipelineError('unsupported_media_type', `a body ${said} is not taken here: send one of ${accept}`, {
    details: { accept },
  })
}
