import { open, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { PipelineError } from '../../core/errors.ts'
import { Filter, blocksFor } from './filter.ts'
import {
  encodeHeader,
  fileNameOf,
  headerRoom,
  idBytes,
  pageBytes,
  pageCheck,
  pageIds,
  pagesOf,
  type SealedHeader,
  slicedCrc32,
} from './sealed-format.ts'

/** What the writer cannot find out itself. */
export type SealedFacts = Omit<SealedHeader, 'count' | 'blocks' | 'indexCheck'>

/** 512 KB at a time: some 2 ms of work. */
const bufferPages = 512

/**
 * Writes a sealed file in `dir` from batches of fingerprints in ascending order (equal ones become one), and returns its path.
 * The rename is the commit point: before it nothing is there but a `.tmp`, which the next start removes.
 */
export async function writeSealedFile(
  dir: string,
  facts: SealedFacts,
  atMost: number,
  batches: Iterable<Int32Array> | AsyncIterable<Int32Array>,
  signal: AbortSignal,
): Promise<string> {
  const path = join(dir, fileNameOf(facts.first, facts.last))
  const temporary = `${path}.tmp`
  const handle = await open(temporary, 'w', 0o600)
  try {
    const room = headerRoom(Object.keys({ ...facts.from, ...facts.to }).length)
    const filter = new Filter(new Int32Array(Filter.words(blocksFor(atMost))))
    const fences = new Int32Array(pagesOf(atMost))
    const checks = new Int32Array(pagesOf(atMost))
    const buffer = Buffer.alloc(bufferPages * pageBytes)
    const out = new Int32Array(buffer.buffer, buffer.byteOffset, buffer.length / 4)
    let count = 0
    let pages = 0
    let at = 0
    let offset = room

    const flush = async () => {
      const bytes = at * 4
      for (let from = 0; from < at; from += pageBytes / 4) {
        checks[pages++] = pageCheck(out, from, Math.min(from + pageBytes / 4, at))
      }
      await writeAll(handle, buffer.subarray(0, bytes), offset)
      offset += bytes
      at = 0
      signal.throwIfAborted()
    }

    let l0 = 0
    let l1 = 0
    let l2 = 0
    let l3 = 0
    for await (const batch of batches) {
      for (let i = 0; i < batch.length; i += 4) {
        const w0 = batch[i]!
        const w1 = batch[i + 1]!
        const w2 = batch[i + 2]!
        const w3 = batch[i + 3]!
        if (count > 0 && w0 === l0 && w1 === l1 && w2 === l2 && w3 === l3) continue
        if (count > 0 && w0 >>> 0 < l0 >>> 0) throw new PipelineError('internal', 'ids of a dedup file come unsorted')
        if (count % pageIds === 0) fences[count / pageIds] = w0
        filter.add(w0, w1, w2)
        l0 = out[at] = w0
        l1 = out[at + 1] = w1
        l2 = out[at + 2] = w2
        l3 = out[at + 3] = w3
        at += 4
        count++
        if (at === out.length) await flush()
      }
    }
    await flush()
    if (offset !== room + count * idBytes) throw new PipelineError('internal', 'a dedup file has the wrong length')

    const index = [filter.words, fences.subarray(0, pages), checks.subarray(0, pages)]
    let indexCheck = 0
    for (const part of index) {
      const bytes = Buffer.from(part.buffer, part.byteOffset, part.byteLength)
      indexCheck = await slicedCrc32(bytes, indexCheck)
      await writeAll(handle, bytes, offset)
      offset += bytes.length
    }
    const header = { ...facts, count, blocks: blocksFor(atMost), indexCheck }
    await writeAll(handle, encodeHeader(header, room), 0)
    await handle.sync()
  } catch (error) {
    await handle.close()
    await unlink(temporary).catch(() => undefined) // A `.tmp` that stays is removed by the next start.
    throw error
  }
  await handle.close()
  await rename(temporary, path)
  await syncFolder(dirname(path))
  return path
}

/** Makes renames and removals in a folder last. */
export async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function writeAll(handle: Awaited<ReturnType<typeof open>>, bytes: Buffer, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}
