import { z } from 'zod'

/** `query` is bounded so that nobody parses a megabyte of SQL. */
export const sqlBody = z.strictObject({
  query: z.string().min(1, 'expected SQL').max(100_000).describe('one SELECT in ClickHouse’s SQL'),
  params: z.record(z.string(), z.unknown()).default({}).describe('values of `{name:Type}` in the query'),
})

export const sqlAnswer = z
  .strictObject({
    columns: z.array(z.strictObject({ name: z.string(), type: z.string() })),
    rows: z.array(z.record(z.string(), z.unknown())).describe('64-bit integers as strings'),
    statistics: z.strictObject({ rows_read: z.number(), bytes_read: z.number(), elapsed_ms: z.number() }),
  })
  .meta({ id: 'SqlAnswer' })
