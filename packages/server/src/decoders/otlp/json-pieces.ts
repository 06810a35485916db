import { PipelineError } from '../../core/errors.ts'
import { parseJsonBytes } from '../json.ts'
import { maxJsonDepth } from '../json-scan.ts'

/*
 * `JSON.parse` of a large body holds the event loop for as long as it takes: 60 ms for 10,000 spans. So a large request is cut into
 * pieces first, in one pass over its bytes:
 *
 *   {"resourceSpans":[{"scopeSpans":[{"spans":[a,b,c,d]}]}]}   →   {"resourceSpans":[{"scopeSpans":[{"spans":[0]}]}]}
 *                                                                  list 0: a,b | c,d
 *
 * The lists of items are those whose way from the top is `{[{[{[` and whose key is one of OTLP's; each is cut between items.
 */

/** Smaller bodies take a few milliseconds as a whole. */
export const piecesFromBytes = 256 * 1024

/** A piece is done at the first of these. */
const pieceItems = 256
const pieceBytes = 64 * 1024
/** Between two chances for others: one to two milliseconds of scanning. */
const scanStepBytes = 1 << 20

interface Piece {
  readonly start: number
  readonly end: number
  /** Items that it must have. */
  readonly count: number
}

export interface SplitBody {
  /** The body with each list of items replaced by its number. */
  readonly skeleton: Uint8Array
  readonly lists: readonly (readonly Piece[])[]
  /** Numbers of the lists that were read. */
  readonly read: Set<number>
}

const way = [0x7b, 0x5b, 0x7b, 0x5b, 0x7b, 0x5b]
const keys: ReadonlySet<string> = new Set(['spans', 'logRecords', 'log_records', 'logs', 'metrics'])
const longestKey = 11

/** Undefined when the body is of no such form, or not simple enough: then it is to be read as a whole, and refused as such. */
export function* splitJson(body: Uint8Array): Generator<undefined, SplitBody | undefined> {
  const splitter = new Splitter(body)
  while (splitter.at < body.length) {
    if (!splitter.split(splitter.at + scanStepBytes)) return undefined
    yield
  }
  return splitter.end()
}

/** What is known of a body so far. Its loop is a plain method, which the engine makes twice as fast as one of a generator. */
class Splitter {
  readonly body: Uint8Array
  at = 0
  readonly #parts: Uint8Array[] = []
  readonly #lists: Piece[][] = []
  #copied = 0
  #depth = 0
  /** How many brackets of the way are open, from the top on. */
  #onWay = 0
  /** Of the list of items that it is within. */
  #pieces: Piece[] | undefined
  #start = 0
  #count = 0

  constructor(body: Uint8Array) {
    this.body = body
  }

  /** On to `until` or a little further; false when the body has to be read as a whole. */
  split(until: number): boolean {
    const { body } = this
    const end = Math.min(until, body.length)
    let at = this.at
    let depth = this.#depth
    for (; at < end; at++) {
      const byte = body[at] as number
      if (byte === 0x22) {
        const start = at
        at = stringEnd(body, at)
        // A key of a scope whose letters are escaped could be that of a list.
        if (depth === way.length - 1 && this.#onWay === depth && body.subarray(start, at).includes(0x5c)) return false
      } else if (byte === 0x7b || byte === 0x5b) {
        if (depth === maxJsonDepth) return false
        this.#opens(byte, depth, at)
        depth++
      } else if (byte === 0x7d || byte === 0x5d) {
        if (depth === way.length) this.#closesItems(at)
        depth--
        if (this.#onWay > depth) this.#onWay = depth
      } else if (byte === 0x2c && depth === way.length) this.#separates(at)
    }
    this.at = at
    this.#depth = depth
    return true
  }

  end(): SplitBody | undefined {
    if (this.#lists.length === 0) return undefined
    this.#parts.push(this.body.subarray(this.#copied))
    return { skeleton: Buffer.concat(this.#parts), lists: this.#lists, read: new Set() }
  }

  #opens(bracket: number, depth: number, at: number): void {
    if (this.#onWay !== depth || bracket !== way[depth]) return
    this.#onWay++
    if (this.#onWay !== way.length || !keys.has(keyBefore(this.body, at))) return
    this.#pieces = []
    this.#start = at + 1
    this.#count = 1
  }

  #closesItems(at: number): void {
    const pieces = this.#pieces
    if (pieces === undefined) return
    this.#pieces = undefined
    if (pieces.length === 0 && this.#count === 1 && isBlank(this.body, this.#start, at)) return
    pieces.push({ start: this.#start, end: at, count: this.#count })
    this.#parts.push(this.body.subarray(this.#copied, pieces[0]!.start), Buffer.from(String(this.#lists.length)))
    this.#lists.push(pieces)
    this.#copied = at
  }

  #separates(at: number): void {
    if (this.#pieces === undefined) return
    if (this.#count >= pieceItems || at - this.#start >= pieceBytes) {
      this.#pieces.push({ start: this.#start, end: at, count: this.#count })
      this.#start = at + 1
      this.#count = 1
    } else this.#count++
  }
}

/**
 * A list of items, or what stands for one in a skeleton, as the lists that it is made of. What is wrong with a piece, and at which
 * byte, is told by reading the body as a whole: the caller's matter.
 */
export function* itemsOf(
  items: readonly unknown[],
  mayHaveInfinite: boolean,
  split: SplitBody | undefined,
  body: Uint8Array,
): Generator<{ readonly items: readonly unknown[]; readonly mayHaveInfinite: boolean }> {
  const number = items[0]
  const pieces = typeof number === 'number' ? split?.lists[number] : undefined
  if (pieces === undefined) {
    yield { items, mayHaveInfinite }
    return
  }
  split?.read.add(number as number)
  for (const piece of pieces) yield readPiece(body, piece)
}

/** Lists that nobody asked for (of equal keys the last counts) must be JSON all the same. */
export function* readUnread({ lists, read }: SplitBody, body: Uint8Array): Generator<undefined, void> {
  for (const [number, pieces] of lists.entries()) {
    if (read.has(number)) continue
    for (const piece of pieces) {
      readPiece(body, piece)
      yield
    }
  }
}

function readPiece(body: Uint8Array, { start, end, count }: Piece) {
  const text = Buffer.concat([Buffer.from('['), body.subarray(start, end), Buffer.from(']')])
  try {
    const { value, mayHaveInfinite } = parseJsonBytes(text)
    if (Array.isArray(value) && value.length === count) return { items: value as unknown[], mayHaveInfinite }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
  }
  throw new PipelineError('malformed', `the body is not JSON between bytes ${start} and ${end}`)
}

/** Of the string that begins at `start`: its closing quote, or the end of what there is. */
function stringEnd(body: Uint8Array, start: number): number {
  const length = body.length
  let at = start + 1
  for (; at < length; at++) {
    const byte = body[at] as number
    // Most letters are beyond both: one comparison for them.
    if (byte > 0x5c) continue
    if (byte === 0x22) return at
    if (byte === 0x5c) at++
  }
  return at
}

/** The key in front of the value at `at`; '' for one that is too long to be of interest. */
function keyBefore(body: Uint8Array, at: number): string {
  const colon = skipBlankBack(body, at - 1)
  if (body[colon] !== 0x3a) return ''
  const end = skipBlankBack(body, colon - 1)
  if (body[end] !== 0x22) return ''
  const start = body.subarray(Math.max(0, end - longestKey - 1), end).lastIndexOf(0x22)
  if (start < 0) return ''
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString(
    'latin1',
    Math.max(0, end - longestKey - 1) + start + 1,
    end,
  )
}

function skipBlankBack(body: Uint8Array, from: number): number {
  let at = from
  while (at >= 0 && isBlankByte(body[at] as number)) at--
  return at
}

function isBlank(body: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isBlankByte(body[at] as number)) return false
  return true
}

function isBlankByte(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}
