import { decodeDeadLetter, decodeOutcomesRecord, decodeQuarantineRecord } from '@millrace/protocol'
import { Counter, Histogram } from 'prom-client'
import type { Clock } from '../core/clock.ts'
import type { Deps } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import type { LogRecord, Topic } from '../log/log.ts'
import type { Block, Store } from '../stores/store.ts'
import { deadLetterRows } from './dead-letter-rows.ts'
import { asOurs, insertOnce, type Portion } from './insert-once.ts'
import type { Job, JobContext } from './job.ts'
import { eventPortions } from './load-event-portions.ts'
import {
  collapseDuplicates,
  expiriesBlock,
  ledgerBlock,
  type LedgerRow,
  outcomesBlock,
  type Positioned,
  quarantineBlock,
  sumCounts,
} from './load-rows.ts'
import { positionOf, rangesOf } from './positions.ts'

/**
 * Positions of rows that come from the topic `deadletters`: the upper half of the index, since positions name no topic and
 * tables take rows of several.
 */
const deadLetterIndex = 0x8000
const blockRowsMax = 50_000

/**
 * The job `load`: the log's records → the tables, exactly once.
 *
 *   events      → events, expiries (when they end, counted over the plan)
 *   quarantine  → quarantine
 *   outcomes    → outcomes (duplicates of one id within a minute as one row), ledger (counts summed over the plan)
 *   deadletters → quarantine (load_failed), ledger (stored −n, quarantined +n)
 *
 * What is counted over the plan comes last: its rows are those of the whole plan, so they MUST not stand while the rest is still being
 * tried.
 */
export function createLoad(store: Store, deps: Deps): Job {
  const seconds = new Histogram({
    name: 'millrace_load_seconds',
    help: 'time to encode and insert one plan of records',
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [deps.metrics],
  })
  const rows = new Counter({
    name: 'millrace_load_rows',
    help: 'rows inserted, by table',
    labelNames: ['table'],
    registers: [deps.metrics],
  })
  const twice = new Counter({
    name: 'millrace_load_twice_total',
    help: 'rows that a verification found twice in a table; always 0 unless something is broken',
    labelNames: ['table'],
    registers: [deps.metrics],
  })

  return {
    name: 'load',
    from: ['events', 'quarantine', 'outcomes', 'deadletters'],
    together: ['outcomes'],
    async process(records, cx) {
      const end = seconds.startTimer()
      if (cx.verify) await asOurs(() => store.stopQuery(cx.plan, cx.signal))
      for (const portion of portionsOf(records, cx, deps.clock)) {
        const inserted = await insertOnce(store, portion, cx)
        rows.inc({ table: portion.table }, inserted.rows)
        if (inserted.twice === 0) continue
        twice.inc({ table: portion.table }, inserted.twice)
        deps.logger.error(
          { plan: cx.plan, table: portion.table, rows: inserted.twice },
          'rows stand twice in the store',
        )
      }
      end()
    },
  }
}

/** In the order in which they are inserted. Later ones are made only when the earlier ones are stored. */
function* portionsOf(records: readonly LogRecord[], cx: JobContext, clock: Clock): Generator<Portion> {
  const of = (topic: Topic) => records.filter((record) => record.topic === topic)
  const quarantined = of('quarantine')
  const outcomes = of('outcomes')
  const letters = of('deadletters')
  const events = of('events')
  const expiries = yield* eventPortions(events, cx, clock)

  const { quarantine, ledger } = letterRows(letters, cx)
  for (const record of quarantined) {
    for (const [index, value] of decodeQuarantineRecord(record.value).entries())
      quarantine.push({ value, position: positionOf(record, cx.epoch, index) })
  }
  yield* rowPortions('quarantine', quarantine, [...quarantined, ...letters], cx, quarantineBlock)

  const decoded = outcomes.map((record) => ({ record, ...decodeOutcomesRecord(record.value) }))
  const outcomeRows = decoded.flatMap(({ record, rows }) =>
    rows.map((value, index) => ({ value, position: positionOf(record, cx.epoch, index) })),
  )
  yield* rowPortions('outcomes', collapseDuplicates(outcomeRows), outcomes, cx, outcomesBlock)

  // Fewer than events of a plan, which are fewer than an index has room for.
  const expiryRows = expiries.map((value) => ({ value, position: positionOf(value.first, cx.epoch, value.index) }))
  yield* rowPortions('expiries', expiryRows, events, cx, expiriesBlock)

  const counts = sumCounts(decoded.flatMap((each) => each.counts))
  const [first] = outcomes
  if (first) {
    if (counts.length >= deadLetterIndex)
      throw new PipelineError(
        'corrupt',
        `${counts.length} different counts in one plan, at most ${deadLetterIndex - 1}`,
      )
    for (const [index, count] of counts.entries())
      ledger.push({ value: { ...count, plan: cx.plan }, position: positionOf(first, cx.epoch, index) })
  }
  yield* rowPortions('ledger', ledger, [...outcomes, ...letters], cx, ledgerBlock)
}

function letterRows(letters: readonly LogRecord[], cx: JobContext) {
  const quarantine: Parameters<typeof quarantineBlock>[0][number][] = []
  const ledger: Positioned<LedgerRow>[] = []
  for (const record of letters) {
    const made = deadLetterRows(decodeDeadLetter(record.value))
    for (const [index, value] of made.quarantine.entries())
      quarantine.push({ value, position: positionOf(record, cx.epoch, deadLetterIndex + index) })
    for (const [index, count] of made.counts.entries())
      ledger.push({
        value: { ...count, plan: cx.plan },
        position: positionOf(record, cx.epoch, deadLetterIndex + index),
      })
  }
  return { quarantine, ledger }
}

function* rowPortions<T>(
  table: string,
  rows: readonly Positioned<T>[],
  records: readonly LogRecord[],
  cx: JobContext,
  blockOf: (rows: readonly Positioned<T>[]) => Block,
): Generator<Portion> {
  for (let part = 0; part * blockRowsMax < rows.length; part++) {
    const own = rows.slice(part * blockRowsMax, (part + 1) * blockRowsMax)
    yield {
      table,
      token: `${cx.plan}/${table}/${part}`,
      rows: own.length,
      block: () => blockOf(own),
      positions: () => ({ of: BigUint64Array.from(own, (row) => row.position), expired: () => false }),
      missing: (which) => blockOf(own.filter((_, row) => which[row] === 1)),
      ranges: () => rangesOf(records, cx.epoch),
    }
  }
}
