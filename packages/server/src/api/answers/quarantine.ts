import { z } from 'zod'

export const quarantineAnswer = z
  .strictObject({
    items: z.array(
      z.strictObject({
        id: z.string(),
        received_at: z.string(),
        source: z.string(),
        event_type: z.string(),
        reason: z.string(),
        issues: z.array(z.string()),
        redacted: z.unknown().describe('the event with every string replaced by its length'),
        batch_id: z.string(),
        index: z.int(),
        log_position: z.string(),
      }),
    ),
    next: z.string().nullable().describe('`cursor` of the next page; null on the last'),
  })
  .meta({ id: 'QuarantinePage' })

export const quarantineExample = {
  items: [
    {
      id: '01JD8Z3CA2',
      received_at: '2026-11-21T09:00:00.120Z',
      source: 'millrace',
      event_type: 'track',
      reason: 'schema',
      issues: ['/timestamp: 40 days old, at most 30'],
      redacted: { event_name: '<string 9>', timestamp: 1791799200000 },
      batch_id: '01JD8Z3C9T',
      index: 31,
      log_position: '432345564227567647',
    },
  ],
  next: null,
}
