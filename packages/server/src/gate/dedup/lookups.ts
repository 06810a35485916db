import { Generation, STORED } from './generation.ts'
import type { SealedFile } from './sealed-file.ts'

/** Reads between two turns of the event loop: 0.3 ms from the page cache, some 10 ms from a cold disk. */
const sliceReads = 128
/** Found ids that are kept for the claim that asked for them: a body holds at most 100,000. */
const knownIds = 128 * 1024

export type Lookups = ReturnType<typeof createLookups>

/**
 * Looks many ids up in the files without holding up others. A body full of ids that were stored days ago needs a read for
 * each; beyond a few, the claim calls them pending, they are read here in slices, and the claim that comes back finds here
 * which of them are stored.
 */
export function createLookups(files: readonly SealedFile[]) {
  let known: Generation | undefined
  let queue: Promise<void> = Promise.resolve()

  async function run(fingerprints: Int32Array): Promise<void> {
    const ids = fingerprints.length / 4
    if (known === undefined || known.filled + ids > known.capacity) known = new Generation(Math.max(knownIds, ids))
    for (let at = 0, reads = 0; at < fingerprints.length; at += 4) {
      const [w0, w1, w2, w3] = [fingerprints[at]!, fingerprints[at + 1]!, fingerprints[at + 2]!, fingerprints[at + 3]!]
      for (const file of files) {
        if (!file.filter.has(w0, w1, w2)) continue
        reads++
        if (!file.has(w0, w1, w2, w3)) continue
        const slot = known.seek(w0, w1, w2, w3)
        if (slot < 0) known.take(~slot, STORED, w0, w1, w2, w3)
        break
      }
      if (reads < sliceReads) continue
      reads = 0
      await new Promise((resolve) => setImmediate(resolve))
      // Forgotten meanwhile, because a file was dropped: what is found from here on is not stale.
      known ??= new Generation(Math.max(knownIds, ids))
    }
  }

  return {
    /** Was it found in a file lately? False says nothing. */
    knows(w0: number, w1: number, w2: number, w3: number): boolean {
      return known !== undefined && known.seek(w0, w1, w2, w3) >= 0
    },
    /** One body after the other. Never rejects: who asks again meets the unreadable page himself. */
    lookUp(fingerprints: Int32Array): Promise<void> {
      queue = queue.then(() => run(fingerprints)).catch(() => undefined)
      return queue
    },
    /** A file was dropped: what was found in it is not known any more. */
    forget(): void {
      known = undefined
    },
    get bytes(): number {
      return known?.bytes ?? 0
    },
  }
}
