import * as fc from 'fast-check'
import { type ColumnKind, columns, type EventColumns } from '../src/index.ts'

/** JSON has no -0, and a double that is a whole number beyond 2^53 comes back as a bigint (json.ts). */
const jsonNumber = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .filter(
    (value) =>
      !Object.is(value, -0) && (!Number.isInteger(value) || Math.abs(value) < 2 ** 53 || Math.abs(value) >= 1e21),
  )

const json: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: 'binary' }),
    jsonNumber,
    fc.integer(),
    fc.bigInt({ min: 2n ** 53n, max: 2n ** 70n }),
    fc.bigInt({ min: -(2n ** 70n), max: -(2n ** 53n) }),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    tie('object'),
  ),
  object: fc
    .array(
      fc.tuple(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'toJSON', 'a\0b')), tie('value')),
      { maxLength: 5 },
    )
    .map((entries) => Object.fromEntries(entries)),
})).object

const text = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1 }),
  fc.string({ unit: 'binary', minLength: 1 }),
  fc.string({ minLength: 20, maxLength: 300 }),
  fc.constantFrom('\0', 'a\0b', 'ä'.repeat(43), 'x'.repeat(127), 'x'.repeat(128), '€'.repeat(5462), 'y'.repeat(16_384)),
)

const values: Readonly<Record<ColumnKind, fc.Arbitrary<unknown>>> = {
  string: text,
  enum: text,
  number: fc.double(),
  boolean: fc.boolean(),
  bigint: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  timestamp: fc.oneof(fc.integer(), fc.integer({ min: -(2 ** 52) + 1, max: 2 ** 52 - 1 })),
  json,
  jsonText: fc.oneof(json, fc.array(json)),
  bytes: fc.uint8Array(),
}

/** Any event that a record can hold: sparse, of the columns that a record writes per event. Strings may hold anything but lone surrogates. */
export const arbitraryEvent: fc.Arbitrary<EventColumns> = fc
  .subarray(
    columns.filter((column) => column.carrier === 'event'),
    { minLength: 1, maxLength: 20 },
  )
  .chain(
    (some) =>
      fc.record(Object.fromEntries(some.map((column) => [column.name, values[column.kind]])), {
        noNullPrototype: true,
      }) as fc.Arbitrary<EventColumns>,
  )
