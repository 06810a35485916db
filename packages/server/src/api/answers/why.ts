import { z } from 'zod'
import { steps } from '../../core/steps.ts'

const outcome = z.enum(['stored', 'duplicate', 'dropped', 'quarantined'])

export const whyAnswer = z
  .strictObject({
    id: z.string(),
    project: z.string(),
    source: z.string().describe('the dialect that it came in'),
    received_at: z.string(),
    outcome: z.string().describe(outcome.options.join(', ')),
    reason: z.string().nullable(),
    issues: z.array(z.string()),
    log: z.strictObject({ topic: z.string(), partition: z.int(), offset: z.int() }).nullable(),
    in_tables: z.boolean().describe('whether SQL finds its row yet; until then it is in the log alone'),
    stored_at: z
      .string()
      .nullable()
      .describe('when its row came into the tables, where that is known; this release does not note it'),
    steps: z
      .array(
        z.strictObject({
          step: z.enum(steps),
          verdict: z.enum(['pass', 'quarantine', 'drop', 'duplicate', 'waiting', 'failed']),
          note: z.string().nullable(),
        }),
      )
      .describe('the gate’s steps up to the one that ended its way'),
    attempts: z
      .array(
        z.strictObject({
          received_at: z.string(),
          source: z.string(),
          outcome: z.string(),
          reason: z.string().nullable(),
          count: z.int().describe('duplicates of one id within a minute are one attempt'),
          batch_id: z.string(),
        }),
      )
      .describe('every arrival of this id, newest first, at most 100'),
  })
  .meta({ id: 'Why' })

const at = '2026-11-21T09:00:00.120Z'

export const whyExample = {
  id: '01JD8Z3C9V',
  project: 'default',
  source: 'millrace',
  received_at: at,
  outcome: 'stored',
  reason: null,
  issues: [],
  log: { topic: 'events', partition: 0, offset: 1041 },
  in_tables: true,
  stored_at: null,
  steps: steps.map((step) => ({ step, verdict: 'pass' as const, note: null })),
  attempts: [
    { received_at: at, source: 'millrace', outcome: 'stored', reason: null, count: 1, batch_id: '01JD8Z3C9T' },
  ],
}
