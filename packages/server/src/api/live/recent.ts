import type { Place } from './cursor.ts'
import type { RecordView } from './record-view.ts'

/** A record as it went by. */
export interface Seen {
  readonly partition: number
  readonly offset: number
  readonly view: RecordView
}

/** The newest records, in the order in which they went by, so that who comes from the log can step onto the moving stream. */
export interface Recent {
  /** Nothing before these places is here. */
  begin(places: readonly Readonly<Place>[]): void
  add(seen: Seen): void
  /** This record went by without being kept. */
  leaveOut(partition: number, offset: number): void
  /** What stands at or after `places`; undefined when some of it is not here any more. */
  after(places: readonly Readonly<Place>[]): readonly Seen[] | undefined
}

/** A decoded record takes so many times its bytes. */
const weight = 3

export function createRecent(maxBytes: number): Recent {
  let kept: Seen[] = []
  let head = 0
  let bytes = 0
  /** First offset of each partition that is here for sure. */
  let covered: number[] = []

  const forget = () => {
    const { partition, offset, view } = kept[head] as Seen
    head++
    bytes -= view.bytes * weight
    covered[partition] = offset + 1
    if (head > 1000) {
      kept = kept.slice(head)
      head = 0
    }
  }
  return {
    begin(places) {
      kept = []
      head = 0
      bytes = 0
      covered = places.map(({ offset }) => offset)
    },
    add(seen) {
      kept.push(seen)
      bytes += seen.view.bytes * weight
      while (bytes > maxBytes && head < kept.length) forget()
    },
    leaveOut(partition, offset) {
      for (let at = kept.length; head < at; ) forget()
      covered[partition] = offset + 1
    },
    after(places) {
      if (places.some(({ offset }, partition) => offset < (covered[partition] as number))) return undefined
      const found: Seen[] = []
      for (let at = head; at < kept.length; at++) {
        const seen = kept[at] as Seen
        if (seen.offset >= (places[seen.partition] as Place).offset) found.push(seen)
      }
      return found
    },
  }
}
