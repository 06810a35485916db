import { stringifyJson } from '@millrace/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import { contractSamples } from './contract-samples.ts'
import type { DecodeContext } from './decode.ts'
import { maxEventsPerBody } from './limits.ts'
import { dialects, findDialect } from './registry.ts'

/** What every decoder MUST keep, on bodies that nobody would write: see decode.ts. */
const text = (value: unknown) => Buffer.from(JSON.stringify(value))
/** Words of routes, the dialect's own and others'. */
const kinds = ['batch', 'track', 'page', 'group', 't', 'events', 'traces', 'logs', 'metrics', 'capture', 'nope']

/** Fields that the dialects know, so that arbitrary values meet the code behind them. */
const knownKeys = [
  ...new Set(Object.values(contractSamples).flatMap(({ keys }) => keys.split(' '))),
  '__proto__',
  'constructor',
  'toString',
]
const key = fc.oneof({ weight: 9, arbitrary: fc.constantFrom('', ...knownKeys) }, fc.string({ maxLength: 4 }))
const leaf = fc.oneof(
  fc.constantFrom<unknown>(
    'track',
    'page',
    'LCP',
    'click',
    '2026-01-01T00:00:00Z',
    1767225600000,
    0,
    -1,
    1e300,
    '',
    null,
    true,
    9.5,
  ),
  fc.string({ maxLength: 5, unit: 'binary' }),
  fc.double({ noNaN: true }),
)
const { value: hostile } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, { weight: 2, arbitrary: leaf }, tie('object'), tie('array')),
  object: fc.array(fc.tuple(key, tie('value')), { maxLength: 6 }).map((entries) => Object.fromEntries(entries)),
  array: fc.array(tie('value'), { maxLength: 4 }),
}))

for (const { name, decode, decodeInSteps } of dialects) {
  const sample = contractSamples[name]!
  const { good, wrap: wrapped } = sample
  const json: DecodeContext = {
    headers: {},
    kind: sample.kind,
    contentType: sample.contentType ?? 'application/json',
  }
  const several = sample.single === true ? 1 : 100
  describe(`decoder ${name}`, () => {
    it('gives one raw event per event of the body, in order, good ones untouched by bad neighbours', () => {
      fc.assert(
        fc.property(
          fc.array(fc.option(hostile, { nil: undefined }), {
            minLength: sample.single ? 1 : 0,
            maxLength: Math.min(12, several),
          }),
          (slots) => {
            const body = wrapped(slots.map((slot) => (slot === undefined ? good : slot)))
            const { events } = decode(body, json)
            expect(events.length).toBe(slots.length)
            const alone = decode(wrapped([good]), json).events[0]
            for (const [index, slot] of slots.entries()) if (slot === undefined) expect(events[index]).toEqual(alone)
          },
        ),
      )
    })

    it('throws nothing but a PipelineError, whatever the JSON', () => {
      fc.assert(
        fc.property(hostile, fc.constantFrom(sample.kind, ...kinds), (value, kind) => {
          onlyRefuses(() => decode(text(value), { ...json, kind }))
        }),
        { numRuns: 500 },
      )
    })

    it('throws nothing but a PipelineError, whatever the bytes and content type', () => {
      const type = fc.constantFrom(
        'application/json',
        'application/x-ndjson',
        'application/x-protobuf',
        'text/plain',
        '',
      )
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), type, (body, contentType) => {
          onlyRefuses(() => decode(body, { ...json, contentType }))
        }),
        { numRuns: 500 },
      )
    })

    it('leaves the body as it is, and shares no top level of a column with the original', () => {
      fc.assert(
        fc.property(
          fc.array(hostile, { minLength: sample.single ? 1 : 0, maxLength: Math.min(4, several) }),
          (slots) => {
            const body = Buffer.from(wrapped(slots))
            const before = Buffer.from(body)
            const { events } = decode(body, json)
            const originals = stringifyJson(events.map(({ original }) => original))
            for (const { columns } of events) {
              for (const column of [
                columns.context,
                columns.properties,
                columns.traits,
                columns.data,
                columns.labels,
              ]) {
                if (column !== undefined) column['changed'] = 'by the gate'
              }
              columns.id = 'changed'
            }
            expect(stringifyJson(events.map(({ original }) => original))).toBe(originals)
            expect(body.equals(before)).toBe(true)
          },
        ),
      )
    })

    it('shows no string of an event in its issues', () => {
      const secret = 'ada.lovelace@example.com'
      const leaking = fc.array(fc.tuple(key, fc.oneof(fc.constant(secret), fc.constant([secret]), hostile)), {
        maxLength: 8,
      })
      fc.assert(
        fc.property(
          fc.array(
            leaking.map((entries) => Object.fromEntries(entries)),
            { minLength: sample.single ? 1 : 0, maxLength: Math.min(4, several) },
          ),
          (slots) => {
            for (const { issues } of decode(wrapped(slots), json).events) {
              for (const issue of issues ?? []) {
                expect(issue).not.toContain('lovelace')
                expect(issue).toMatch(/^(\/[^:]*)?: /)
              }
            }
          },
        ),
      )
    })

    it.skipIf(sample.single)(`takes ${maxEventsPerBody} events and refuses one more as too_large`, () => {
      const full = wrapped(Array.from({ length: maxEventsPerBody }, () => 0))
      expect(decode(full, json).events.length).toBe(maxEventsPerBody)
      const over = wrapped(Array.from({ length: maxEventsPerBody + 1 }, () => 0))
      expect(() => decode(over, json)).toThrow(expect.objectContaining({ code: 'too_large' }))
    })

    it.skipIf(sample.single)('takes an empty batch', () => {
      expect(decode(wrapped([]), json).events).toEqual([])
    })

    it.skipIf(decodeInSteps === undefined)('comes in steps to what it comes to at once, also among others', () => {
      const body = fc.array(fc.option(hostile, { nil: undefined }), { maxLength: 8 })
      fc.assert(
        fc.property(body, body, (one, other) => {
          const bodies = [one, other].map((slots) => wrapped(slots.map((slot) => (slot === undefined ? good : slot))))
          const running = bodies.map((bytes) => decodeInSteps!(bytes, json))
          const ends: unknown[] = []
          for (let left = running.length; left > 0; ) {
            for (const [index, steps] of running.entries()) {
              if (ends[index] !== undefined) continue
              const step = steps.next()
              if (step.done !== true) continue
              ends[index] = step.value
              left--
            }
          }
          expect(ends).toEqual(bodies.map((bytes) => decode(bytes, json)))
        }),
      )
    })

    it.skipIf(decodeInSteps === undefined)('lets others have their turn at least every thousand events', () => {
      const steps = decodeInSteps!(wrapped(Array.from({ length: 10_000 }, () => good)), json)
      let rests = 0
      let step = steps.next()
      for (; step.done !== true; step = steps.next()) rests++
      expect(step.value.events.length).toBe(10_000)
      expect(rests).toBeGreaterThanOrEqual(9)
    })

    it('leaves nothing on Object.prototype', () => {
      const before = Object.getOwnPropertyNames(Object.prototype)
      const evil =
        '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"context":{"__proto__":{"polluted":1}},"properties":{"__proto__":{"polluted":1}},"page_view":{"__proto__":{"polluted":1}}}'
      for (const body of [evil, `[${evil}]`, `{"batch":[${evil}]}`, `{"events":[${evil}]}`]) {
        onlyRefuses(() => decode(Buffer.from(body), json))
      }
      expect(Object.getOwnPropertyNames(Object.prototype)).toEqual(before)
      expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
    })
  })
}

it('has each dialect once, and says which there are', () => {
  expect(new Set(dialects.map(({ name }) => name)).size).toBe(dialects.length)
  expect(findDialect('segment').decode).toBe(dialects[0]?.decode)
  expect(() => findDialect('segmnt')).toThrow("unknown dialect 'segmnt', have segment, millrace, s0,")
})

function onlyRefuses(decode: () => unknown): void {
  try {
    decode()
  } catch (error) {
    expect(error).toBeInstanceOf(PipelineError)
    expect(['malformed', 'too_large', 'not_found']).toContain((error as PipelineError).code)
  }
}
