import { readSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import { PipelineError } from '../../core/errors.ts'
import { Filter } from './filter.ts'
import {
  corrupt,
  decodeHeader,
  fileNameOf,
  headerBytesOf,
  headerStep,
  idBytes,
  pageBytes,
  pageCheck,
  pageIds,
  pagesOf,
  type SealedHeader,
  slicedCrc32,
} from './sealed-format.ts'

/** An open sealed file: its filter and fences are in memory, its ids on disk. */
export interface SealedFile {
  readonly path: string
  readonly header: SealedHeader
  readonly filter: Filter
  readonly diskBytes: number
  readonly memoryBytes: number
  /** Is this very fingerprint in the file? One small read; throws `corrupt` when the page is not what was written. */
  has(w0: number, w1: number, w2: number, w3: number): boolean
  /** All fingerprints in order, in batches; each array is used again for the next but one batch. */
  batches(): AsyncGenerator<Int32Array>
  close(): Promise<void>
}

/** 128 KB per read: 8,192 fingerprints. */
const batchPages = 128

/** Opens a sealed file and checks all of it but its pages. Throws `corrupt` with what is wrong. */
export async function openSealedFile(path: string): Promise<SealedFile> {
  const handle = await open(path, 'r')
  try {
    return await openWith(handle, path)
  } catch (error) {
    await handle.close()
    throw error
  }
}

async function openWith(handle: FileHandle, path: string): Promise<SealedFile> {
  const { size } = await handle.stat()
  const room = headerBytesOf(await readAll(handle, 0, Math.min(size, headerStep), path))
  if (room > size) throw corrupt('it ends within its header')
  const header = decodeHeader(await readAll(handle, 0, room, path))
  const pages = pagesOf(header.count)
  const filterWords = Filter.words(header.blocks)
  const indexBytes = (filterWords + 2 * pages) * 4
  const idsEnd = room + header.count * idBytes
  if (size !== idsEnd + indexBytes) throw corrupt(`it has ${size} bytes, its header says ${idsEnd + indexBytes}`)
  if (basename(path) !== fileNameOf(header.first, header.last)) throw corrupt('its name is not the one in its header')
  const bytes = await readAll(handle, idsEnd, indexBytes, path)
  if ((await slicedCrc32(bytes)) !== header.indexCheck) throw corrupt('its filter fails its checksum')
  const index = new Int32Array(bytes.buffer, bytes.byteOffset, indexBytes / 4)
  const fences = index.subarray(filterWords, filterWords + pages)
  const checks = index.subarray(filterWords + pages)
  const page = Buffer.alloc(pageBytes)
  const pageWords = new Int32Array(page.buffer, page.byteOffset, pageBytes / 4)
  const fd = handle.fd

  function checkPage(number: number, words: Int32Array, from: number, to: number): void {
    if (pageCheck(words, from, to) === checks[number]) return
    throw new PipelineError(
      'corrupt',
      `page ${number} of ${path} fails its checksum: restart the collector, which rebuilds the file from the log where it can`,
      { details: { page: number } },
    )
  }

  function findInPage(number: number, w0: number, w1: number, w2: number, w3: number): boolean {
    const ids = Math.min(pageIds, header.count - number * pageIds)
    const length = ids * idBytes
    if (readSync(fd, page, 0, length, room + number * pageBytes) !== length) throw corrupt(`${path} ends too early`)
    checkPage(number, pageWords, 0, ids * 4)
    let low = 0
    let high = ids
    while (low < high) {
      const middle = (low + high) >>> 1
      if (pageWords[middle * 4]! >>> 0 < w0 >>> 0) low = middle + 1
      else high = middle
    }
    for (let at = low * 4; at < ids * 4 && pageWords[at] === w0; at += 4) {
      if (pageWords[at + 1] === w1 && pageWords[at + 2] === w2 && pageWords[at + 3] === w3) return true
    }
    return false
  }

  return {
    path,
    header,
    filter: new Filter(index.subarray(0, filterWords)),
    diskBytes: size,
    memoryBytes: indexBytes,
    has(w0, w1, w2, w3) {
      // The last page that begins below w0 may hold it, and every page behind that begins with w0 itself.
      let low = 0
      let high = pages
      while (low < high) {
        const middle = (low + high) >>> 1
        if (fences[middle]! >>> 0 < w0 >>> 0) low = middle + 1
        else high = middle
      }
      for (let number = Math.max(0, low - 1); number < pages && fences[number]! >>> 0 <= w0 >>> 0; number++) {
        if (findInPage(number, w0, w1, w2, w3)) return true
      }
      return false
    },
    async *batches() {
      const buffers = [Buffer.alloc(batchPages * pageBytes), Buffer.alloc(batchPages * pageBytes)]
      for (let first = 0, turn = 0; first < pages; first += batchPages, turn ^= 1) {
        const length = Math.min(batchPages * pageBytes, (header.count - first * pageIds) * idBytes)
        const bytes = buffers[turn]!.subarray(0, length)
        await fill(handle, bytes, room + first * pageBytes, path)
        const words = new Int32Array(bytes.buffer, bytes.byteOffset, length / 4)
        for (let at = 0, number = first; at < words.length; at += pageBytes / 4, number++) {
          checkPage(number, words, at, Math.min(at + pageBytes / 4, words.length))
        }
        yield words
      }
    },
    close: () => handle.close(),
  }
}

async function readAll(handle: FileHandle, position: number, length: number, path: string): Promise<Buffer> {
  // `allocUnsafeSlow`: a buffer of its own, aligned for words, not a slice of the shared pool.
  const bytes = Buffer.allocUnsafeSlow(length)
  await fill(handle, bytes, position, path)
  return bytes
}

async function fill(handle: FileHandle, bytes: Buffer, position: number, path: string): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesRead } = await handle.read(bytes, done, bytes.length - done, position + done)
    if (bytesRead === 0) throw corrupt(`${path} ends too early`)
    done += bytesRead
  }
}
