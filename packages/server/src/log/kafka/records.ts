import type { Answer } from './cluster.ts'

/*
 * A record of the log is a Kafka record: no key, its value as it was appended (header and protobuf, see the protocol package), and
 *
 *   header "fp"    16 bytes per event: the dedup fingerprints, where some were given
 *
 * Control records (transaction markers) and records of aborted transactions take offsets, too, and are never handed out.
 */
export const fingerprintsHeader: Buffer = Buffer.from('fp')

const isControl = 1 << 5
const isTransactional = 1 << 4

type Partition = Answer<'fetch'>['responses'][number]['partitions'][number]

export interface Fetched {
  readonly offset: number
  readonly value: Uint8Array
  readonly fingerprints: Uint8Array | undefined
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
      records.push({ offset, value: value ?? empty, fingerprints: fingerprintsOf(headers) })
    }
  }
  return { records, next }
}

const empty = new Uint8Array(0)

function fingerprintsOf(headers: readonly (readonly [Buffer | null, Buffer | null])[]): Uint8Array | undefined {
  return headers.find(([key]) => key?.equals(fingerprintsHeader) === true)?.[1] ?? undefined
}
