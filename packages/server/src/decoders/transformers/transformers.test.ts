import { stringifyJson, validateEvent } from '@millrace/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TransformError } from './transformer.ts'
import { type TransformerSample, transformerSamples } from './transformers.fixture.ts'
import { createTransformers } from './transformers.ts'

/** What every transformer MUST keep, whoever wrote it: see transformer.ts. */
const registry = createTransformers()

const secret = 'ada.lovelace@example.com'
const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    '',
    'x',
    secret,
    0,
    -0,
    -1,
    1.5,
    1e300,
    Infinity,
    NaN,
    2n ** 70n,
    true,
    false,
  ),
  fc.constantFrom<unknown>('2026-01-01T00:00:00Z', 1767225600000, new Date(Number.NaN), new Date(0), new Uint8Array(3)),
  fc.string({ maxLength: 4, unit: 'binary' }),
)
const { value: hostile } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 3 }, { weight: 3, arbitrary: leaf }, tie('object'), tie('array')),
  object: fc.dictionary(
    fc.constantFrom('id', 'name', 'type', 'key', 'value', '__proto__', 'constructor', ''),
    tie('value'),
    {
      maxKeys: 4,
    },
  ),
  array: fc.array(tie('value'), { maxLength: 3 }),
}))

/** What the gate may add to. */
const jsonColumns = ['data', 'attributes', 'labels', 'context', 'properties', 'traits'] as const

it('has a sample of every transformer', () => {
  for (const name of registry.list()) expect(transformerSamples[name]?.length, name).toBeGreaterThan(0)
})

for (const { name, ...meta } of registry.listWithMeta()) {
  const samples = transformerSamples[name] ?? []
  const run = (given: readonly unknown[]) => registry.transform(name, given[0], ...given.slice(1))

  describe(`transformer ${name}`, () => {
    it('says of itself what comes out (G3-10)', () => {
      for (const { given } of samples) {
        const out = run(given)
        expect(Array.isArray(out)).toBe(meta.multipleOutputs)
        const events = registry.transformToArray(name, given[0], ...given.slice(1))
        expect(events.length).toBeGreaterThan(0)
        for (const event of events) {
          expect([event.event_type, event.event_source]).toEqual([meta.eventType, meta.source])
        }
      }
      expect(meta.description).not.toBe('')
      expect(meta.source).toMatch(/^[a-z][a-z_-]*$/)
    })

    it('gives events of the unified schema', () => {
      for (const { given } of samples) {
        for (const event of registry.transformToArray(name, given[0], ...given.slice(1))) {
          const core = { id: 'any', event_type: 'track', event_name: 'any', ns: 'any', ...event }
          expect(validateEvent(core, 'strict')).toMatchObject({ success: true })
        }
      }
    })

    it('gives the same for the same, and leaves what it is given as it was', () => {
      const any = fc.constantFrom(...samples).chain((sample) => damaged(sample))
      fc.assert(
        fc.property(any, (given) => {
          const before = structuredClone(given)
          freeze(given)
          expect(attempt(run, given)).toEqual(attempt(run, given))
          expect(given).toEqual(before)
        }),
        { numRuns: 200 },
      )
    })

    it('shares no top level of a column with what it is given', () => {
      for (const { given } of samples) {
        const before = structuredClone(given)
        for (const event of registry.transformToArray(name, given[0], ...given.slice(1))) {
          for (const column of jsonColumns) {
            const value = event[column]
            if (value !== undefined) value['changed'] = 'by the gate'
          }
        }
        expect(given).toEqual(before)
      }
    })

    it('throws nothing but a TransformError for any input, without a string of it', () => {
      const beside = samples[0]?.given.slice(1) ?? []
      const any = fc.oneof(
        hostile.map((input) => [input, ...beside]),
        fc.constantFrom(...samples).chain((sample) => damaged(sample)),
      )
      fc.assert(
        fc.property(any, (given) => {
          try {
            run(given)
          } catch (error) {
            expect(error).toBeInstanceOf(TransformError)
            const { issues } = error as TransformError
            expect(issues.length).toBeGreaterThan(0)
            for (const issue of issues) {
              expect(issue).not.toContain('lovelace')
              expect(issue).toMatch(/^(\/[^:]*)?: /)
            }
          }
        }),
        { numRuns: 1000 },
      )
    })

    it('keeps a zero apart from nothing (G3-7)', () => {
      for (const { given, zeroIsNone = [] } of samples) {
        for (const [part, value] of given.entries()) {
          for (const pointer of numbersOf(value)) {
            if (part === 0 && zeroIsNone.includes(pointer)) continue
            const zero = attempt(run, given.with(part, replaced(value, pointer, 0)))
            const none = attempt(run, given.with(part, replaced(value, pointer, undefined)))
            expect(plain(zero), `${pointer} of 0`).not.toEqual(plain(none))
          }
        }
      }
    })
  })
}

/** The sample, with one value of its input replaced by anything. */
function damaged({ given: [input, ...beside] }: TransformerSample): fc.Arbitrary<unknown[]> {
  return fc
    .record({ pointer: fc.constantFrom(...pointersOf(input)), value: hostile })
    .map(({ pointer, value }) => structuredClone([replaced(input, pointer, value), ...beside]))
}

/** JSON pointers of a value and all within. */
function pointersOf(value: unknown, at = ''): string[] {
  if (typeof value !== 'object' || value === null) return [at]
  return [
    at,
    ...Object.entries(value).flatMap(([key, inner]) => pointersOf(inner, `${at}/${key.replaceAll('/', '~1')}`)),
  ]
}

function numbersOf(value: unknown): string[] {
  return pointersOf(value).filter((pointer) => typeof valueAt(value, pointer) === 'number')
}

function valueAt(value: unknown, pointer: string): unknown {
  return keysOf(pointer).reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], value)
}

function keysOf(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((key) => key.replaceAll('~1', '/'))
}

/** A copy with another value at the pointer; undefined takes it away. */
function replaced(value: unknown, pointer: string, by: unknown): unknown {
  const keys = keysOf(pointer)
  const last = keys.pop()
  if (last === undefined) return by
  const copy = structuredClone(value)
  const holder = keys.reduce<unknown>((inner, key) => (inner as Record<string, unknown>)[key], copy) as Record<
    string,
    unknown
  >
  if (by === undefined) delete holder[last]
  else holder[last] = by
  return copy
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value) || ArrayBuffer.isView(value)) return
  Object.freeze(value)
  for (const inner of Object.values(value)) freeze(inner)
}

function attempt(run: (given: readonly unknown[]) => unknown, given: readonly unknown[]): unknown {
  try {
    return run(given)
  } catch (error) {
    return { issues: (error as TransformError).issues }
  }
}

function plain(value: unknown): unknown {
  return JSON.parse(stringifyJson(value)) as unknown
}
