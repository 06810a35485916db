import {
  type DeadLetter,
  decodeEventsRecord,
  decodeQuarantineRecord,
  type EventColumns,
  type EventsEnvelope,
  type LedgerCount,
  maxRecordEvents,
  peekHeader,
  type QuarantinedEvent,
  readEnvelope,
  stringifyJson,
} from '@millrace/protocol'

const loadFailed = 'load_failed'
const minuteMs = 60_000

export interface DeadLetterRows {
  readonly quarantine: readonly QuarantinedEvent[]
  readonly counts: readonly LedgerCount[]
}

/**
 * What the tables say of a record that could not be loaded. Its events were counted as stored and are not: they move to
 * quarantined(load_failed), so that the sums stay right. The record itself stays in the topic `deadletters`.
 * Records of other topics hold no events counted as stored: one row tells of them.
 */
export function deadLetterRows(letter: DeadLetter): DeadLetterRows {
  if (letter.topic !== 'events') return { quarantine: unreadable(letter, envelopeOf(letter), 1), counts: [] }
  const envelope = envelopeOf(letter)
  const events = eventsOf(letter)
  const count = events?.length ?? countOf(letter)
  const counts: LedgerCount[] = []
  if (count > 0) {
    const { project, source } = envelope
    const minute = Math.floor(envelope.ingestedAt / minuteMs) * minuteMs
    counts.push({ project, minute, source, outcome: 'stored', reason: '', events: -count })
    counts.push({ project, minute, source, outcome: 'quarantined', reason: loadFailed, events: count })
  }
  if (events === undefined) return { quarantine: unreadable(letter, envelope, count), counts }
  const quarantine = events.map((event, index) => ({
    ...base(letter, envelope),
    id: event.id ?? '',
    index,
    redacted: stringifyJson(redact(event)),
    eventType: event.event_type ?? '',
  }))
  return { quarantine, counts }
}

function base(letter: DeadLetter, envelope: EventsEnvelope) {
  return {
    project: envelope.project,
    source: envelope.source,
    receivedAt: envelope.ingestedAt || letter.failedAt,
    batchId: envelope.batchId,
    reason: loadFailed,
    issues: [
      `: ${letter.error}`,
      `: record ${letter.topic}/${letter.partition}/${letter.offset}, ${letter.attempts} attempts by ${letter.job}`,
    ],
    sealed: new Uint8Array(0),
    sealKey: '',
  }
}

/** A record whose events cannot be told apart: as many rows as it says that it has events, so that the sums stay right. */
function unreadable(letter: DeadLetter, envelope: EventsEnvelope, events: number): QuarantinedEvent[] {
  const name = `record:${letter.topic}/${letter.partition}/${letter.offset}`
  const redacted = stringifyJson({ record: `<${letter.value.length} bytes>`, events })
  return Array.from({ length: Math.max(1, events) }, (_, index) => ({
    ...base(letter, envelope),
    id: index === 0 ? name : `${name}#${index}`,
    index,
    redacted,
    eventType: '',
  }))
}

function envelopeOf(letter: DeadLetter): EventsEnvelope {
  const unknown = { project: '', batchId: '', source: '', ingestedAt: 0, schemaVersion: 0, planVersion: 0 }
  try {
    if (letter.topic === 'events') return readEnvelope(letter.value)
    if (letter.topic !== 'quarantine') return unknown
    const [first] = decodeQuarantineRecord(letter.value)
    if (first === undefined) return unknown
    const { project, source, batchId, receivedAt } = first
    return { ...unknown, project, source, batchId, ingestedAt: receivedAt }
  } catch {
    // The record may be dead because it cannot be read; then nothing of it is known.
    return unknown
  }
}

function eventsOf(letter: DeadLetter): readonly EventColumns[] | undefined {
  try {
    return decodeEventsRecord(letter.value).events
  } catch {
    return undefined
  }
}

/** By its header; one that no record can have says nothing. */
function countOf(letter: DeadLetter): number {
  try {
    const { count } = peekHeader(letter.value)
    return count <= maxRecordEvents ? count : 0
  } catch {
    return 0
  }
}

const redactDepthMax = 20

/** Strings by their length alone, as quarantine shows them. */
function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return `<string ${value.length}>`
  if (value instanceof Uint8Array) return `<bytes ${value.length}>`
  if (typeof value !== 'object' || value === null) return value
  if (depth === redactDepthMax) return '<nested>'
  if (Array.isArray(value)) return value.map((each) => redact(each, depth + 1))
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, redact(each, depth + 1)]))
}
