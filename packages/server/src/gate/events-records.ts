import {
  ByteWriter,
  encodeEventsRecord,
  type EventColumns,
  type EventsEnvelope,
  maxRecordEvents,
} from '@millrace/protocol'
import { toPipelineError, type PipelineError } from '../core/errors.ts'
import { createPace } from '../core/in-steps.ts'
import type { NewRecord } from '../log/log.ts'
import type { BatchPart } from './batch-part.ts'
import { FINGERPRINT_BYTES } from './dedup/dedup-index.ts'
import { partitionOf } from './partition.ts'

const schemaVersion = 1
/** No plan judges events yet. */
const planVersion = 0
/** A record that every log takes without being told to (Kafka's default is 1 MB); an event bigger than that has its own. */
const targetRecordBytes = 768 * 1024
const minuteMs = 60_000

/** Up to here a batch without an id of its own shares a record with others of its commit: a record costs as much as ten events. */
export const maxSharedEvents = 32

export interface EventsRecords {
  readonly records: readonly NewRecord[]
  /** By part, which of `records` hold its events. */
  readonly places: ReadonlyMap<BatchPart, readonly number[]>
  /** The parts in the order of their records. */
  readonly order: readonly BatchPart[]
  readonly failed: ReadonlyMap<BatchPart, PipelineError>
}

interface Run {
  readonly partition: number
  readonly events: EventColumns[]
  readonly fingerprints: Uint8Array[]
}

/**
 * Records of one commit. A batch's accepted events of one partition are one record, in as many as they need. Small batches of one project
 * and source that bring no batch id share records: thousands of single events a second would else be as many records.
 */
export function createEventsEncoder(partitions: number) {
  // Kept from record to record: it has grown to the size that they need.
  const writer = new ByteWriter(targetRecordBytes)

  /** A record at each step. */
  function* encode(envelope: EventsEnvelope, run: Run, bytesPerEvent: number): Generator<NewRecord> {
    const size = Math.max(1, Math.min(maxRecordEvents, Math.floor(targetRecordBytes / bytesPerEvent)))
    const fingerprints =
      run.fingerprints.length === 1 ? (run.fingerprints[0] as Uint8Array) : Buffer.concat(run.fingerprints)
    for (let from = 0; from < run.events.length; from += size) {
      const to = Math.min(from + size, run.events.length)
      yield {
        topic: 'events',
        partition: run.partition,
        value: encodeEventsRecord(envelope, run.events, from, to, writer),
        fingerprints: fingerprints.subarray(from * FINGERPRINT_BYTES, to * FINGERPRINT_BYTES),
      }
    }
  }

  function* encodeParts(parts: readonly BatchPart[], batchId: string): Generator<NewRecord> {
    let receivedAt = 0
    let bytes = 0
    let events = 0
    const runs = new Map<number, Run>()
    for (const part of parts) {
      receivedAt = Math.max(receivedAt, part.batch.raw.receivedAt)
      bytes += part.bytes
      events += part.stored.length
      addRuns(part, partitions, runs)
    }
    const { project, source } = (parts[0] as BatchPart).batch.raw
    const envelope = { project, batchId, source, ingestedAt: receivedAt, schemaVersion, planVersion }
    for (const run of runs.values()) yield* encode(envelope, run, bytes / events)
  }

  return {
    /** Encodes a big batch as soon as it is known, while the commit before it still syncs; others have their turn between its records. */
    async encodeAhead(part: BatchPart): Promise<void> {
      const pace = createPace()
      const records: NewRecord[] = []
      for (const record of encodeParts([part], part.batchId)) {
        records.push(record)
        const rest = pace()
        if (rest !== undefined) await rest
      }
      part.records = records
    },

    encodeCommit(parts: readonly BatchPart[], commitId: string): EventsRecords {
      const records: NewRecord[] = []
      const places = new Map<BatchPart, readonly number[]>()
      const failed = new Map<BatchPart, PipelineError>()
      const shared = new Map<string, BatchPart[]>()
      const push = (group: readonly BatchPart[], encoded: readonly NewRecord[]) => {
        const first = records.length
        records.push(...encoded)
        const numbers = encoded.map((_, i) => first + i)
        for (const part of group) places.set(part, numbers)
      }
      for (const part of parts) {
        if (part.records !== undefined) push([part], part.records)
        else if (part.stored.length > 0) {
          const { project, source, receivedAt } = part.batch.raw
          // Of one minute, so that the ledger's minute is the one of their `ingested_at`.
          const key = `${project}\n${source}\n${Math.floor(receivedAt / minuteMs)}`
          const group = shared.get(key)
          if (group === undefined) shared.set(key, [part])
          else group.push(part)
        }
      }
      for (const group of shared.values()) {
        try {
          push(group, [...encodeParts(group, commitId)])
        } catch {
          // One of them holds what no record can: it alone must fail, not its neighbours of this millisecond.
          for (const part of group) {
            try {
              push([part], [...encodeParts([part], commitId)])
            } catch (error) {
              failed.set(part, toPipelineError(error))
            }
          }
        }
      }
      const order = [...places.keys()]
      return { records, places, order, failed }
    },
  }
}

/** Adds a part's events to the runs of their partitions, with their fingerprints. */
function addRuns(part: BatchPart, partitions: number, runs: Map<number, Run>): void {
  const { events } = part.batch
  const { stored, fingerprints } = part
  if (partitions === 1) {
    const run = runOf(runs, 0)
    for (const index of stored) run.events.push(events[index] as EventColumns)
    run.fingerprints.push(fingerprints)
    return
  }
  for (let i = 0; i < stored.length; i++) {
    const event = events[stored[i] as number] as EventColumns
    const run = runOf(runs, partitionOf(event, partitions))
    run.events.push(event)
    run.fingerprints.push(fingerprints.subarray(i * FINGERPRINT_BYTES, (i + 1) * FINGERPRINT_BYTES))
  }
}

function runOf(runs: Map<number, Run>, partition: number): Run {
  let run = runs.get(partition)
  if (run === undefined) {
    run = { partition, events: [], fingerprints: [] }
    runs.set(partition, run)
  }
  return run
}
