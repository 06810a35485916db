import { z } from 'zod'

const count = z.int()

export const ledgerAnswer = z
  .strictObject({
    project: z.string(),
    from: z.string().describe('the window, grown to whole minutes'),
    to: z.string(),
    rows: z
      .array(
        z.strictObject({
          minute: z.string(),
          source: z.string(),
          outcome: z.string(),
          reason: z.string(),
          events: count,
        }),
      )
      .describe('the collector’s counts, also of what is not in the tables yet'),
    sums: z.strictObject({
      received: count.describe('counted by the collector'),
      stored: count,
      duplicate: count,
      dropped: count,
      quarantined: count,
    }),
    in_flight: count.describe('in the log, not in the tables yet'),
    expired: count.describe('how many of the sums are of rows whose retention has ended, or does within a day'),
    balanced: z
      .boolean()
      .describe('received = stored + duplicate + dropped + quarantined + in_flight, and each by itself'),
  })
  .meta({ id: 'Ledger' })

export const ledgerExample = {
  project: 'default',
  from: '2026-11-21T08:00:00.000Z',
  to: '2026-11-21T09:01:00.000Z',
  rows: [
    { minute: '2026-11-21T09:00:00.000Z', source: 'millrace', outcome: 'duplicate', reason: '', events: 2 },
    { minute: '2026-11-21T09:00:00.000Z', source: 'millrace', outcome: 'stored', reason: '', events: 98 },
  ],
  sums: { received: 100, stored: 98, duplicate: 2, dropped: 0, quarantined: 0 },
  in_flight: 0,
  expired: 0,
  balanced: true,
}
