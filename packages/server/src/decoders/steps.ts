import type { RawEvent } from '../core/batch.ts'

/** Events between two yields: a millisecond or two of the dearest. */
const stepEvents = 200

/** Maps a list in steps (decode.ts). The loop itself is a plain function, which the engine makes fast. */
export function* mapInSteps(
  list: readonly unknown[],
  map: (item: unknown) => RawEvent,
): Generator<undefined, RawEvent[]> {
  const events: RawEvent[] = []
  for (let from = 0; from < list.length; from += stepEvents) {
    if (from > 0) yield
    mapSlice(list, from, Math.min(from + stepEvents, list.length), map, events)
  }
  return events
}

function mapSlice(
  list: readonly unknown[],
  from: number,
  to: number,
  map: (item: unknown) => RawEvent,
  into: RawEvent[],
): void {
  for (let at = from; at < to; at++) into.push(map(list[at]))
}
