/*
 * A sealed file: ids of a span of time, sorted, never changed. All numbers little-endian.
 *
 *   file   = header ids filter fences checks
 *   header = "MLRCDDUP" version:u32 header-bytes:u32 json-bytes:u32 crc32-of-json:u32 json zeroes-to-header-bytes
 *   ids    = fingerprint*count                 16 bytes each, ascending as four unsigned words
 *   filter = u32 * 16 * blocks                 see filter.ts
 *   fences = u32 * pages                       first word of the first fingerprint of each page
 *   checks = u32 * pages                       check of each page: pageCheck below
 *   page   = 64 fingerprints, the last page fewer
 *
 * `indexCheck` in the JSON is the crc32 of filter, fences and checks, which are in memory while the file is open; a page is
 * checked when it is read. The file is written beside its place, synced, and renamed: it is there whole or not at all.
 */
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { PipelineError } from '../../core/errors.ts'

export const idBytes = 16
export const pageIds = 64
export const pageBytes = pageIds * idBytes
const magic = Buffer.from('MLRCDDUP', 'latin1')
const version = 1
const checkSlice = 1024 * 1024
const prefixBytes = 24
/** Headers are a multiple of it, so that the ids behind it are aligned. */
export const headerStep = 4096

/** Next offset per partition of topic `events`. */
const offsets = z.record(z.string().regex(/^\d+$/), z.int().nonnegative())

const headerSchema = z.strictObject({
  /** The generations that are in it, counted from 1 over the index's life. */
  first: z.int().positive(),
  last: z.int().positive(),
  count: z.int().positive(),
  /** Our clock at the earliest and latest of its ids. */
  fromMs: z.number(),
  toMs: z.number(),
  /** Of the log whose records it covers: of each partition those from `from` on and before `to`. */
  epoch: z.int(),
  from: offsets,
  to: offsets,
  /** Of the fingerprints' key, so that files of another key are noticed. */
  keyCheck: z.string(),
  blocks: z.int().positive(),
  indexCheck: z.int().nonnegative(),
})
export type SealedHeader = z.output<typeof headerSchema>
export type Offsets = SealedHeader['from']

export const pagesOf = (count: number): number => Math.ceil(count / pageIds)
export const fileNameOf = (first: number, last: number): string => `${digits(first)}-${digits(last)}.ids`
const digits = (sequence: number): string => String(sequence).padStart(10, '0')

export function parseFileName(name: string): { first: number; last: number } | undefined {
  const match = /^(\d{10,})-(\d{10,})\.ids$/.exec(name)
  return match === null ? undefined : { first: Number(match[1]), last: Number(match[2]) }
}

/**
 * The check of one page, given as words. Every step is a bijection of what came before, so any change within one of the four
 * columns is found for certain, any other but for 1 in 4 billion. A crc32 of a kilobyte takes ten times as long here.
 */
export function pageCheck(words: Int32Array, from: number, to: number): number {
  let a = 1
  let b = 2
  let c = 3
  let d = 4
  for (let at = from; at < to; at += 4) {
    a = Math.imul(a ^ words[at]!, 0x9e3779b1)
    b = Math.imul(b ^ words[at + 1]!, 0x85ebca77)
    c = Math.imul(c ^ words[at + 2]!, 0xc2b2ae3d)
    d = Math.imul(d ^ words[at + 3]!, 0x27d4eb2f)
    // Multiplying carries upwards only: bring the upper half down.
    a ^= a >>> 15
    b ^= b >>> 15
    c ^= c >>> 15
    d ^= d >>> 15
  }
  return Math.imul(Math.imul(Math.imul(a ^ (to - from), 0x85ebca77) ^ b, 0xc2b2ae3d) ^ c, 0x27d4eb2f) ^ d
}

/** crc32 of many bytes: some 30 ms for the filter of 16 M ids, so in slices between which the event loop turns. */
export async function slicedCrc32(bytes: Buffer, start = 0): Promise<number> {
  let check = start
  for (let at = 0; at < bytes.length; at += checkSlice) {
    check = crc32(bytes.subarray(at, at + checkSlice), check)
    if (at + checkSlice < bytes.length) await new Promise((resolve) => setImmediate(resolve))
  }
  return check
}

/** Bytes to keep free in front of the ids for a header over that many partitions. */
export function headerRoom(partitions: number): number {
  return Math.ceil((1024 + 64 * partitions) / headerStep) * headerStep
}

export function encodeHeader(header: SealedHeader, room: number): Buffer {
  const json = Buffer.from(JSON.stringify(header), 'utf8')
  if (prefixBytes + json.length > room) {
    throw new PipelineError('internal', `the header of a dedup file has ${json.length} bytes, room is for ${room}`)
  }
  const out = Buffer.alloc(room)
  magic.copy(out)
  out.writeUInt32LE(version, 8)
  out.writeUInt32LE(room, 12)
  out.writeUInt32LE(json.length, 16)
  out.writeUInt32LE(crc32(json), 20)
  json.copy(out, prefixBytes)
  return out
}

/** How long the header is, from the file's first bytes. */
export function headerBytesOf(bytes: Buffer): number {
  if (bytes.length < prefixBytes || !bytes.subarray(0, 8).equals(magic)) throw corrupt('it does not begin as one')
  const found = bytes.readUInt32LE(8)
  if (found !== version) throw corrupt(`its version is ${found}, this Millrace reads ${version}`)
  return bytes.readUInt32LE(12)
}

/** Says in one sentence what is wrong. */
export function decodeHeader(bytes: Buffer): SealedHeader {
  const length = bytes.readUInt32LE(16)
  const json = bytes.subarray(prefixBytes, prefixBytes + length)
  if (json.length !== length || crc32(json) !== bytes.readUInt32LE(20)) throw corrupt('its header fails its checksum')
  const parsed = headerSchema.safeParse(JSON.parse(json.toString('utf8')))
  if (!parsed.success) throw corrupt('its header does not say what it must')
  return parsed.data
}

export function corrupt(what: string): PipelineError {
  return new PipelineError('corrupt', what)
}
