import { type WireReader, wire } from '../wire.ts'
import { expectedIdBytes, type Issue, setKey } from '../issues.ts'
import { maxValueDepth, type Attributes } from './model.ts'

/** An id that is none; what is wrong with it stands among the issues. */
export const badId = '-'

/** Absent, or the zeros that OpenTelemetry says are no id, or none at all. */
export function isNoId(id: string): boolean {
  return id === '' || id === badId || zeros.test(id)
}

const zeros = /^0+$/

/**
 * opentelemetry.proto.common.v1:
 *
 *   KeyValue     = key 1, value 2 (AnyValue)
 *   AnyValue     = one of string 1, bool 2, int 3, double 4, array 5, kvlist 6, bytes 7, or nothing
 *   ArrayValue   = *( AnyValue 1 )
 *   KeyValueList = *( KeyValue 1 )
 *
 * Names of attributes and of spans are few and come over and over: `Names` makes each one string per body.
 */
export class OtlpReader {
  readonly reader: WireReader
  readonly #names: (string | undefined)[] = new Array<string | undefined>(nameSlots)

  constructor(reader: WireReader) {
    this.reader = reader
  }

  /** A string that probably came before. Each slot has the latest name of its hash; one look compares it with the bytes. */
  name(): string {
    const { reader } = this
    const start = reader.at
    const length = reader.uint32()
    if (length === 0 || length > maxNameLength) {
      reader.at = start
      return reader.string()
    }
    const { bytes, at, end } = reader
    const stop = at + length
    if (stop > end) throw reader.malformed('cut within a string', end)
    let hash = length
    for (let index = at; index < stop; index++) hash = (Math.imul(hash, 31) + (bytes[index] as number)) | 0
    const slot = (hash ^ (hash >>> 15)) & (nameSlots - 1)
    const known = this.#names[slot]
    if (known !== undefined && known.length === length) {
      let same = 0
      // Bytes of 0x80 and more equal no character of a known name: those are ASCII.
      while (same < length && known.charCodeAt(same) === bytes[at + same]) same++
      if (same === length) {
        reader.at = stop
        return known
      }
    }
    reader.at = start
    const text = reader.string()
    if (text.length === length) this.#names[slot] = text
    return text
  }

  /** One KeyValue; the first of a list makes the record. Of equal keys the last counts. */
  attribute(attributes: Attributes | undefined, depth = 0): Attributes {
    const { reader } = this
    const outer = reader.end
    const stop = reader.enter()
    reader.end = stop
    let key = ''
    let value: unknown = null
    while (reader.at < stop) {
      const tag = reader.uint32()
      if (tag === 10) key = this.name()
      else if (tag === 18) value = this.value(depth)
      else this.skip(tag)
    }
    reader.end = outer
    const target = attributes ?? {}
    setKey(target, key, value)
    return target
  }

  /** One AnyValue, in plain form. */
  value(depth: number): unknown {
    const { reader } = this
    const outer = reader.end
    const stop = reader.enter()
    if (depth > maxValueDepth) throw reader.malformed(`values nested deeper than ${maxValueDepth} levels`, reader.at)
    reader.end = stop
    let value: unknown = null
    while (reader.at < stop) {
      const tag = reader.uint32()
      if (tag === 10) value = reader.string()
      else if (tag === 16) value = reader.bool()
      else if (tag === 24) value = reader.int64()
      else if (tag === 33) value = plainDouble(reader.double())
      else if (tag === 42) value = this.array(depth + 1)
      else if (tag === 50) value = this.record(depth + 1)
      else if (tag === 58) value = this.base64()
      else this.skip(tag)
    }
    reader.end = outer
    return value
  }

  private array(depth: number): unknown[] {
    const { reader } = this
    const outer = reader.end
    const stop = reader.enter()
    reader.end = stop
    const items: unknown[] = []
    while (reader.at < stop) {
      const tag = reader.uint32()
      if (tag === 10) items.push(this.value(depth))
      else this.skip(tag)
    }
    reader.end = outer
    return items
  }

  private record(depth: number): Attributes {
    const { reader } = this
    const outer = reader.end
    const stop = reader.enter()
    reader.end = stop
    const fields: Attributes = {}
    while (reader.at < stop) {
      const tag = reader.uint32()
      if (tag === 10) this.attribute(fields, depth)
      else this.skip(tag)
    }
    reader.end = outer
    return fields
  }

  private base64(): string {
    const { reader } = this
    const stop = reader.enter()
    const text = reader.bytes.toString('base64', reader.at, stop)
    reader.at = stop
    return text
  }

  /** Bytes of an id in lower-case hex; '' when there are none, `badId` with an issue when there are too many or too few. */
  id(length: 8 | 16, pointer: string, issues: Issue[]): string {
    const { reader } = this
    const stop = reader.enter()
    const start = reader.at
    reader.at = stop
    if (stop - start === length) return reader.bytes.toString('hex', start, stop)
    if (stop === start) return ''
    issues.push(expectedIdBytes(pointer, length, stop - start))
    return badId
  }

  /** Of a link or exemplar: as it came, whatever its length. */
  anyId(): string {
    const { reader } = this
    const stop = reader.enter()
    const text = reader.bytes.toString('hex', reader.at, stop)
    reader.at = stop
    return text
  }

  /** Past a field of no interest. */
  skip(tag: number): void {
    if (tag >>> 3 === 0) throw this.reader.malformed('field number 0', this.reader.at)
    this.reader.skip(tag & 7)
  }

  /** A list of doubles, packed or one at a time. */
  doubles(tag: number, into: number[] | undefined): number[] {
    const { reader } = this
    const values = into ?? []
    if ((tag & 7) !== wire.bytes) {
      values.push(reader.double())
      return values
    }
    const stop = reader.enter()
    while (reader.at < stop) values.push(reader.double())
    return values
  }

  /** A list of fixed64, packed or one at a time. */
  fixed64s(tag: number, into: (number | bigint)[] | undefined): (number | bigint)[] {
    const { reader } = this
    const values = into ?? []
    if ((tag & 7) !== wire.bytes) {
      values.push(exact(reader.fixed64()))
      return values
    }
    const stop = reader.enter()
    while (reader.at < stop) values.push(exact(reader.fixed64()))
    return values
  }

  /** A list of varints, packed or one at a time. */
  uint64s(tag: number, into: (number | bigint)[]): void {
    const { reader } = this
    if ((tag & 7) !== wire.bytes) {
      into.push(reader.uint64())
      return
    }
    const stop = reader.enter()
    while (reader.at < stop) into.push(reader.uint64())
  }
}

const nameSlots = 512
const maxNameLength = 64

/** A number where one is exact. */
export function exact(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}

/** What JSON has no number for, by the names that OTLP's JSON has. */
export function plainDouble(value: number): number | string {
  return Number.isFinite(value) ? value : String(value)
}
