import { z } from 'zod'
import type { Contents } from '../../http/describe.ts'
import { problemMediaType } from '../../http/problem.ts'

const receipt = z
  .strictObject({
    index: z.int().nonnegative().describe('place in the body, from 0'),
    id: z.string(),
    outcome: z.enum(['stored', 'duplicate', 'dropped', 'quarantined', 'retry']),
    reason: z.string().optional(),
    issues: z
      .array(z.string())
      .optional()
      .describe('`<JSON pointer>: <what is wrong>`; numbers and lengths, no strings of the event'),
  })
  .meta({ id: 'Receipt', description: 'What became of one event' })

const counts = {
  stored: z.int().nonnegative(),
  duplicate: z.int().nonnegative(),
  dropped: z.int().nonnegative(),
  quarantined: z.int().nonnegative(),
}
const receipts = z.array(receipt).describe('of what was not stored; of all with `Prefer: return=representation`')

const stored = z
  .strictObject({ success: z.literal(true), ...counts, receipts })
  .meta({ id: 'Receipts', description: 'Every event of the body has a durable outcome, good or bad' })

const partly = z
  .looseObject({
    success: z.literal(false),
    ...counts,
    retry: z.int().positive(),
    receipts,
    code: z.string(),
    detail: z.string(),
  })
  .meta({ id: 'PartlyStored', description: 'A problem, with the receipts that say which events to send again' })

/** Of Millrace's own routes, and of those that answer like them (routes/own.ts). */
export const ownAnswers: { readonly answer: Contents; readonly partly: Contents } = {
  answer: {
    'application/json': {
      schema: stored,
      example: {
        success: true,
        stored: 98,
        duplicate: 1,
        dropped: 0,
        quarantined: 1,
        receipts: [
          { index: 7, id: '01JD8Z3C9V', outcome: 'duplicate' },
          {
            index: 31,
            id: '01JD8Z3CA2',
            outcome: 'quarantined',
            reason: 'schema',
            issues: ['/timestamp: 40 days old, at most 30'],
          },
        ],
      },
    },
  },
  partly: {
    [problemMediaType]: {
      schema: partly,
      example: {
        type: 'urn:millrace:problem:unavailable',
        title: 'Not now',
        status: 503,
        code: 'unavailable',
        detail: '1 of 100 events are not stored yet: send them again',
        instance: 'urn:millrace:request:01JD8Z3CB0',
        success: false,
        stored: 99,
        duplicate: 0,
        dropped: 0,
        quarantined: 0,
        retry: 1,
        receipts: [{ index: 4, id: '01JD8Z3CC1', outcome: 'retry' }],
      },
    },
  },
}
