import type { Bounds } from '../../log/log.ts'
import type { Offsets, SealedHeader } from './sealed-format.ts'

/** A file of the folder, as it was found. `header` is missing when the file cannot be trusted: `problem` says why. */
export interface FoundFile {
  readonly first: number
  readonly last: number
  readonly header?: SealedHeader
  readonly problem?: string
}

export interface Recovery<F extends FoundFile> {
  readonly keep: readonly F[]
  /** To be deleted: they are not of this log, or the log gives everything from the first bad one on again. */
  readonly discard: readonly { readonly file: F; readonly why: string }[]
  /** Bad, and the log no longer has what was in it: the start is refused. */
  readonly refuse: F | undefined
  /** What is lost for good: to be said loudly. */
  readonly lost: readonly string[]
  /** What has to be read back from the log: per partition, from here to its end. */
  readonly readFrom: Offsets
}

/**
 * What to do with the files found at start, in order of age. The log is the truth: a file that knows positions which the log
 * never had belongs to another log; a file that is broken or gone is made again by reading the log from where it began.
 */
export function planRecovery<F extends FoundFile>(
  files: readonly F[],
  log: { readonly epoch: number; readonly bounds: readonly Bounds[] },
): Recovery<F> {
  const discard: { file: F; why: string }[] = []
  const lost: string[] = []
  const keep: F[] = []
  const next = new Map(log.bounds.map((bounds) => [String(bounds.partition), bounds.next]))
  let readFrom: Offsets = {}
  let previous: SealedHeader | undefined

  const isHeldFrom = (from: Offsets) => log.bounds.every(({ partition, first }) => first <= (from[partition] ?? 0))

  for (const [i, file] of files.entries()) {
    const { header } = file
    if (header !== undefined && header.epoch !== log.epoch) {
      discard.push({ file, why: `it belongs to the log with epoch ${header.epoch}, this one has ${log.epoch}` })
      continue
    }
    const beyond = Object.entries(header?.to ?? {}).find(([partition, to]) => to > (next.get(partition) ?? 0))
    if (header !== undefined && beyond !== undefined) {
      const end = next.get(beyond[0]) ?? 0
      discard.push({ file, why: `it covers partition ${beyond[0]} up to offset ${beyond[1]}, the log ends at ${end}` })
      continue
    }
    const isHole = header === undefined || (previous !== undefined && isBehind(previous.to, header.from))
    if (!isHole) {
      keep.push(file)
      previous = header
      readFrom = header.to
      continue
    }
    if (isHeldFrom(readFrom)) {
      const why = file.problem ?? 'a file before it is missing'
      const rest = files.slice(i)
      discard.push({ file, why: `${why}; its ids are read from the log again` })
      for (const other of rest.slice(1)) discard.push({ file: other, why: 'its ids are read from the log again' })
      break
    }
    if (header === undefined) return { keep, discard, refuse: file, lost, readFrom }
    lost.push(
      `the files of generations ${(previous?.first ?? 0) > 0 ? previous!.last + 1 : 1} to ${file.first - 1} are missing and the log no longer holds their records: an event of that time that is sent again is stored again`,
    )
    keep.push(file)
    previous = header
    readFrom = header.to
  }
  for (const { partition, first } of log.bounds) {
    const from = readFrom[partition] ?? 0
    if (first > from) {
      lost.push(
        `partition ${partition} of the log begins at ${first}, ids from ${from} on were not sealed: they are forgotten`,
      )
    }
  }
  return { keep, discard, refuse: undefined, lost, readFrom }
}

/** Does `from` leave out something behind `to`? */
function isBehind(to: Offsets, from: Offsets): boolean {
  return Object.entries(from).some(([partition, offset]) => offset > (to[partition] ?? 0))
}
