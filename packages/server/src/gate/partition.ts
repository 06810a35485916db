import type { EventColumns } from '@millrace/protocol'

const traceFirst: ReadonlySet<string> = new Set(['trace', 'log', 'metric'])

/**
 * Where an event goes: what belongs together (a trace; a person) shares a partition, so that its order is kept.
 * The hash is part of the format: changing it, or the number of partitions, breaks that order for events on their way.
 */
export function partitionOf(event: EventColumns, partitions: number): number {
  return partitions === 1 ? 0 : hash(partitionKey(event)) % partitions
}

export function partitionKey(event: EventColumns): string {
  const trace = traceFirst.has(event.event_type as string) ? event.trace_id : undefined
  return trace || event.actor_id || event.anonymous_id || event.session_id || (event.id as string)
}

/** FNV-1a over UTF-16 units, 32 bits, with a final mix: FNV's low bits alone spread short keys badly. */
function hash(text: string): number {
  let h = 0x811c9dc5
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193)
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  return (h ^ (h >>> 13)) >>> 0
}
