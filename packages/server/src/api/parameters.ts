import { z } from 'zod'
import { PipelineError } from '../core/errors.ts'

/** Parse query parameters or a body; what is wrong becomes one 400 with the parameter's name. */
export function parse<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issues = result.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
  throw new PipelineError('malformed', issues.join('; '))
}

/** A date alone is its first moment in UTC; a time without a zone would mean another moment on every server. */
const rfc3339 = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/i

/** RFC 3339 or Unix milliseconds → Unix ms. */
export const time = z
  .string()
  .transform((text, cx) => {
    const ms = /^\d{1,15}$/.test(text) ? Number(text) : rfc3339.test(text) ? Date.parse(text) : Number.NaN
    if (!Number.isNaN(ms)) return ms
    cx.addIssue(
      'expected RFC 3339 with its zone, such as 2026-11-21T09:00:00Z, or Unix milliseconds (a + is %2B in a URL)',
    )
    return z.NEVER
  })
  .meta({ description: 'RFC 3339 with its zone, or Unix milliseconds', examples: ['2026-11-21T09:00:00Z'] })

/** `from` inclusive, `to` exclusive, default the last hour. */
export const timeWindow = {
  from: time.optional().describe('inclusive; RFC 3339 with its zone, or Unix ms; an hour before `to` when left out'),
  to: time.optional().describe('exclusive; now when left out'),
}

/** Whose rows; auth.ts reads it, before anything else is parsed. */
export const projectParameter = z
  .string()
  .optional()
  .describe('another project than the key’s own: only with an admin key')

export function windowOf(
  query: { readonly from?: number | undefined; readonly to?: number | undefined },
  now: number,
): { from: number; to: number } {
  const to = query.to ?? Math.max(now + 1, query.from ?? 0)
  const from = query.from ?? to - 3_600_000
  if (from > to)
    throw new PipelineError(
      'malformed',
      `from is after to: ${new Date(from).toISOString()} > ${new Date(to).toISOString()}`,
    )
  return { from, to }
}

export const page = {
  limit: z.coerce.number().int().min(1).max(1000).default(100).describe('items of a page'),
  cursor: z
    .string()
    .refine((text) => /^\d{0,20}$/.test(text) && BigInt(text) < 2n ** 64n, 'not a cursor of this list')
    .default('')
    .describe('`next` of the page before'),
}
