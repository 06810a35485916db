import { packLogPosition } from '@millrace/protocol'
import type { LogRecord } from '../log/log.ts'
import type { PositionRange } from '../stores/store.ts'

const indexMax = 0xffff

export function positionOf(record: LogRecord, epoch: number, index: number): bigint {
  return packLogPosition({ epoch, partition: record.partition, offset: record.offset, index })
}

/** Where rows of these records can lie: a plan's records of one topic and partition are a run, so one range each. */
export function rangesOf(records: readonly LogRecord[], epoch: number): PositionRange[] {
  const spans = new Map<string, { first: LogRecord; last: LogRecord }>()
  for (const record of records) {
    const key = `${record.topic}/${record.partition}`
    const span = spans.get(key)
    if (span === undefined) spans.set(key, { first: record, last: record })
    else if (record.offset < span.first.offset) span.first = record
    else if (record.offset > span.last.offset) span.last = record
  }
  return [...spans.values()].map(({ first, last }) => ({
    first: positionOf(first, epoch, 0),
    last: positionOf(last, epoch, indexMax),
  }))
}
