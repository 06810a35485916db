import { type SealedFile, openSealedFile } from './sealed-file.ts'
import type { SealedHeader } from './sealed-format.ts'
import { isLess } from './generation.ts'
import { writeSealedFile } from './sealed-writer.ts'

/** Neighbours of about equal size are merged from this many on, so each id is written again log4(n) times. */
const runLength = 4
/** More files than this are merged whatever their sizes: each costs every new id a look into its filter. */
const filesAtMost = 12
/** A merge beyond that takes too long and too much disk at once: 64 M ids are 1.1 GB. */
const idsAtMost = 64 * 1024 * 1024
/** A file goes when its newest id leaves the window; so that little stays too long, none spans more than an eighth of it. */
const spansPerWindow = 8
/** Ids between two turns of the event loop: below 1 ms. */
const sliceIds = 8192

type Facts = Pick<SealedHeader, 'count' | 'fromMs' | 'toMs'>

/** Which neighbouring files to merge next: `[first, end)` of the files in order of age, or undefined. */
export function planMerge(files: readonly Facts[], windowMs: number): readonly [number, number] | undefined {
  const fits = (first: number, end: number): boolean => {
    const run = files.slice(first, end)
    const ids = run.reduce((sum, file) => sum + file.count, 0)
    const span = Math.max(...run.map((file) => file.toMs)) - Math.min(...run.map((file) => file.fromMs))
    return ids <= idsAtMost && span <= windowMs / spansPerWindow
  }
  // From the newest back: a run takes in the file before it while that one is no larger than the run.
  for (let end = files.length; end >= runLength; end--) {
    let first = end - 1
    let ids = files[first]!.count
    while (first > 0 && files[first - 1]!.count <= ids && fits(first - 1, end)) {
      first--
      ids += files[first]!.count
    }
    if (end - first >= runLength) return [first, end]
  }
  if (files.length <= filesAtMost) return undefined
  let best: readonly [number, number] | undefined
  let fewest = Number.POSITIVE_INFINITY
  for (let first = 0; first + 1 < files.length; first++) {
    const ids = files[first]!.count + files[first + 1]!.count
    if (ids < fewest && fits(first, first + 2)) {
      fewest = ids
      best = [first, first + 2]
    }
  }
  return best
}

/** Merges neighbouring files, oldest first, into one. The old ones are still there; whoever asked removes them. */
export async function mergeFiles(
  dir: string,
  files: readonly SealedFile[],
  nextTurn: () => Promise<void>,
  signal: AbortSignal,
): Promise<SealedFile> {
  const headers = files.map((file) => file.header)
  const oldest = headers[0]!
  const newest = headers.at(-1)!
  const count = headers.reduce((sum, header) => sum + header.count, 0)
  const facts = {
    first: oldest.first,
    last: newest.last,
    fromMs: Math.min(...headers.map((header) => header.fromMs)),
    toMs: Math.max(...headers.map((header) => header.toMs)),
    epoch: newest.epoch,
    from: oldest.from,
    to: newest.to,
    keyCheck: newest.keyCheck,
  }
  const path = await writeSealedFile(dir, facts, count, mergedBatches(files, nextTurn), signal)
  return await openSealedFile(path)
}

interface Head {
  readonly rest: AsyncGenerator<Int32Array>
  batch: Int32Array
  at: number
}

/** The fingerprints of all files in ascending order. */
async function* mergedBatches(files: readonly SealedFile[], nextTurn: () => Promise<void>): AsyncGenerator<Int32Array> {
  const heads: Head[] = []
  for (const file of files) {
    const rest = file.batches()
    const first = await rest.next()
    if (first.done !== true) heads.push({ rest, batch: first.value, at: 0 })
  }
  const out = new Int32Array(sliceIds * 4)
  while (heads.length > 0) {
    let at = 0
    let used: Head | undefined
    while (at < out.length) {
      used = heads[0]!
      for (let i = 1; i < heads.length; i++) {
        const head = heads[i]!
        if (isLess(head.batch, head.at, used.batch, used.at)) used = head
      }
      const { batch } = used
      let from = used.at
      out[at++] = batch[from++]!
      out[at++] = batch[from++]!
      out[at++] = batch[from++]!
      out[at++] = batch[from++]!
      used.at = from
      if (from === batch.length) break
    }
    yield out.subarray(0, at)
    await nextTurn()
    if (used !== undefined && used.at === used.batch.length) {
      const next = await used.rest.next()
      if (next.done === true) heads.splice(heads.indexOf(used), 1)
      else {
        used.batch = next.value
        used.at = 0
      }
    }
  }
}
