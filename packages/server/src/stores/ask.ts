import type { Service } from '../core/service.ts'

export type AskFormat = 'json' | 'ndjson' | 'csv' | 'parquet' | 'arrow'

export interface AskAnswer {
  readonly contentType: string
  /** Pull it to its end, or abort the signal of the question: then the query ends in the store too. */
  readonly body: AsyncIterable<Uint8Array>
}

/**
 * SQL that people write, run as their project's own read-only user: they see only rows of the project, and only what the
 * cage lets through. Nothing they write can change a row, a setting or a limit.
 *
 * `ask` rejects before the first byte of an answer with
 * - `query_refused`: not a single SELECT, or it names something that user SQL may not use
 * - `limit_exceeded`: time, memory or rows of `query`
 * - `query_failed`: the engine could not run it; the message is the engine's, fit for the asker
 * - `unavailable`: the store is away, or this project has no tight cage on it
 *
 * `params` fill `{name:Type}`. JSON is `{"columns":[{"name","type"}],"rows":[{…}],"statistics":{"rows_read","bytes_read","elapsed_ms"}}`
 * with 64-bit integers as strings; ndjson, csv (with a line of names), parquet and arrow (stream) are the rows.
 */
export interface Ask extends Service {
  ask(
    project: string,
    sql: string,
    params: Readonly<Record<string, unknown>>,
    format: AskFormat,
    signal: AbortSignal,
  ): Promise<AskAnswer>
}
