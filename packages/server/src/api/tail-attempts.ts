import { decodeDeadLetter, decodeEventsRecord, decodeOutcomesRecord, packLogPosition } from '@millrace/protocol'
import type { LogRecord } from '../log/log.ts'
import type { Attempt } from '../query/attempts.ts'
import type { Unloaded } from './unloaded.ts'

/** The attempts with this id that are only in the log so far. */
export async function tailAttempts(
  tail: Pick<Unloaded, 'forEach'>,
  epoch: number,
  project: string,
  id: string,
  signal: AbortSignal,
): Promise<Attempt[]> {
  const found: Attempt[] = []
  await tail.forEach((record) => {
    // Ids are looked for in the bytes first: decoding a record costs a thousand times as much.
    const { buffer, byteOffset, byteLength } = record.value
    if (Buffer.from(buffer, byteOffset, byteLength).includes(id)) found.push(...attemptsIn(record, epoch, project, id))
  }, signal)
  return found
}

function attemptsIn(record: LogRecord, epoch: number, project: string, id: string): Attempt[] {
  const { topic, partition, offset, value } = record
  const position = (index: number) => packLogPosition({ epoch, partition, offset, index }).toString()
  if (topic === 'events') return storedIn(value, position, project, id)
  if (topic === 'outcomes')
    return decodeOutcomesRecord(value).rows.flatMap((row, index) =>
      row.id === id && row.project === project
        ? [{ ...row, receivedAt: new Date(row.receivedAt).toISOString(), logPosition: position(index), notes: {} }]
        : [],
    )
  if (topic === 'deadletters') return givenUpIn(value, epoch, project, id)
  return [] // the rows of `quarantine` have their outcomes beside them
}

/** A record that `load` gave up: its events were received as stored, and wait here to become quarantined. */
function givenUpIn(value: Uint8Array, epoch: number, project: string, id: string): Attempt[] {
  const letter = decodeDeadLetter(value)
  if (letter.topic !== 'events') return []
  const { partition, offset } = letter
  try {
    return storedIn(
      letter.value,
      (index) => packLogPosition({ epoch, partition, offset, index }).toString(),
      project,
      id,
    )
  } catch {
    return [] // damaged: that is why it is here
  }
}

function storedIn(value: Uint8Array, position: (index: number) => string, project: string, id: string): Attempt[] {
  const { envelope, events } = decodeEventsRecord(value)
  if (envelope.project !== project) return []
  return events.flatMap((event, index) =>
    event.id === id
      ? [
          {
            id,
            project,
            source: envelope.source,
            receivedAt: new Date(envelope.ingestedAt).toISOString(),
            outcome: 'stored' as const,
            reason: '',
            issues: [],
            batchId: envelope.batchId,
            count: 1,
            logPosition: position(index),
            notes: (event.context as { millrace?: Readonly<Record<string, unknown>> } | undefined)?.millrace ?? {},
          },
        ]
      : [],
  )
}
