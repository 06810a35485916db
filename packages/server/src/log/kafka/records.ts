import type { Answer } from './cluster.ts'

/*
 * A record of the log is a Kafka record: no key, its value as it was appended (header and protobuf, see the protocol package), and
 *
 *   header "fp"    16 bytes per event: the dedup fingerprints, where some were given
 *   header "tx"    which transaction wrote it, the same in all topics: producer id (i64 BE) epoch (i16 BE) number within it (u32 BE)
 *
 * Control records (transaction markers) and records of aborted transactions take offsets, too, and are never handed out.
 */
export const fingerprintsHeader: Buffer = Buffer.from('fp')
export const transactionHeader: Buffer = Buffer.from('tx')

const isControl = 1 << 5
const isTransactional = 1 << 4

type Partition = Answer<'fetch'>['responses'][number]['partitions'][number]

export interface Fetched {
  readonly offset: number
  readonly value: Uint8Array
  readonly fingerprints: Uint8Array | undefined
  readonly transaction: string | undefined
}

export interface Decoded {
  readonly records: readonly Fetched[]
  /** Where to go on: behind all that was looked at, be it handed out or not. */
  readonly next: number
}

/** Of one partition's answer: the records at or after `from` whose transactions are committed. */
export function decodeFetched(partition: Partition, from: number): Decoded {
  const batches = partition.records ?? []
  if (batches.length === 0) return { records: [], next: from }
  const aborted = (partition.abortedTransactions ?? []).toSorted((a, b) => Number(a.firstOffset - b.firstOffset))
  const aborting = new Set<bigint>()
  const records: Fetched[] = []
  let begun = 0
  let next = from
  for (const batch of batches) {
    const first = Number(batch.firstOffset)
    const last = first + batch.lastOffsetDelta
    next = Math.max(next, last + 1)
    for (; begun < aborted.length && Number(aborted[begun]?.firstOffset) <= last; begun++)
      aborting.add(aborted[begun]?.producerId as bigint)
    if ((batch.attributes & isControl) !== 0) {
      // Its one record's key says which: version:i16 type:i16, 0 abort, 1 commit.
      if (batch.records[0]?.key?.readInt16BE(2) === 0) aborting.delete(batch.producerId)
      continue
    }
    if ((batch.attributes & isTransactional) !== 0 && aborting.has(batch.producerId)) continue
    for (const { offsetDelta, value, headers } of batch.records) {
      const offset = first + offsetDelta
      if (offset < from) continue
      records.push({
        offset,
        value: value ?? empty,
        fingerprints: headerOf(headers, fingerprintsHeader),
        transaction: transactionOf(headers),
      })
    }
  }
  return { records, next }
}

/** As `decodeFetched`, whatever becomes of the transactions: which of them have records between `from` and `to`. */
export function transactionsIn(partition: Partition, from: number, to: number) {
  const transactions: string[] = []
  let next = from
  for (const { firstOffset, lastOffsetDelta, attributes, records } of partition.records ?? []) {
    next = Math.max(next, Number(firstOffset) + lastOffsetDelta + 1)
    if ((attributes & isControl) !== 0) continue
    for (const { offsetDelta, headers } of records) {
      const offset = Number(firstOffset) + offsetDelta
      const transaction = transactionOf(headers)
      if (offset >= from && offset < to && transaction !== undefined) transactions.push(transaction)
    }
  }
  return { transactions, next }
}

const empty = new Uint8Array(0)
type Headers = readonly (readonly [Buffer | null, Buffer | null])[]

function headerOf(headers: Headers, name: Buffer): Buffer | undefined {
  for (const [key, value] of headers) if (key?.equals(name) === true) return value ?? undefined
  return undefined
}

const transactionOf = (headers: Headers): string | undefined => headerOf(headers, transactionHeader)?.toString('latin1')
