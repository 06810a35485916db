import { deflateSync, gzipSync } from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runAtOnce } from '../core/in-steps.ts'
import type { DecodeContext } from './decode.ts'
import { parseJsonBytes } from './json.ts'
import { decodeRrweb, decodeRrwebInSteps } from './rrweb.ts'
import { maxReplayDepth, splitReplay } from './rrweb-split.ts'

const at = 1_767_225_600_000
const cx: DecodeContext = { headers: {}, kind: 'replay', contentType: 'text/plain' }
const increment = (more: object = {}) => ({ type: 3, data: { source: 0 }, timestamp: at, ...more })
const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const decoded = (body: unknown, more: Partial<DecodeContext> = {}) => decodeRrweb(bytes(body), { ...cx, ...more })
const texts = (body: unknown, more: Partial<DecodeContext> = {}) =>
  decoded(body, more).events.map(({ columns }) => Buffer.from(columns.replay_data ?? []).toString())

describe('a body cut into its events', () => {
  /** JSON text with white space wherever it may be. */
  const spaced = (value: unknown): fc.Arbitrary<string> =>
    fc.constantFrom(undefined, 1, '\t', '\n').map((space) => JSON.stringify(value, null, space))
  /** Long enough that its end is looked for, with what could be taken for it. */
  const longText = fc.string({ unit: fc.constantFrom('x', '\\', '"', 'é', ']', '}'), minLength: 60, maxLength: 300 })
  const events = fc.array(fc.oneof(fc.jsonValue({ maxDepth: 4 }), longText, fc.record({ a: longText, b: longText })), {
    maxLength: 8,
  })
  const parsed = (text: string) => {
    const parts = runAtOnce(splitReplay(bytes(text)))
    return {
      around: parts.around,
      events: parts.events?.map((one) => JSON.parse(Buffer.from(one).toString()) as unknown),
    }
  }

  it('gives what JSON.parse gives, whatever the events are', () => {
    fc.assert(
      fc.property(
        fc
          .tuple(events, fc.dictionary(fc.constantFrom('a', 'sessionId', 'e"', 'é'), fc.jsonValue({ maxDepth: 2 })))
          .chain(([list, around]) =>
            fc.tuple(fc.constant(list), fc.constant(around), spaced({ ...around, events: list }), spaced(list)),
          ),
        ([list, around, object, array]) => {
          const plain = JSON.parse(JSON.stringify(list)) as unknown
          const outside = parseJsonBytes(bytes({ ...around, events: [] })).value
          expect(parsed(object)).toEqual({ around: outside, events: plain })
          expect(parsed(array)).toEqual({ around: {}, events: plain })
        },
      ),
    )
  })

  it('refuses what JSON.parse refuses', () => {
    const good = JSON.stringify({ sessionId: 's', events: [increment(), increment({ data: { text: 'a"}],\\' } })] })
    expect(decoded(good).events.length).toBe(2)
    fc.assert(
      fc.property(
        fc.nat(good.length - 1),
        fc.constantFrom('', ',', ']', '}', '"', '{', 'x', '\\', '0', ' '),
        (at, put) => {
          const text = good.slice(0, at) + put + good.slice(at + 1)
          let isJson = true
          try {
            JSON.parse(text)
          } catch {
            isJson = false
          }
          if (!isJson) expect(() => decoded(text)).toThrow(expect.objectContaining({ code: 'malformed' }))
        },
      ),
      { numRuns: 600 },
    )
  })

  it('takes the deepest document that a browser builds, and no bottomless one', () => {
    let node: object = { type: 3, textContent: 'x' }
    for (let depth = 0; depth < 512; depth++) node = { type: 2, childNodes: [node] }
    expect(
      decoded({ sessionId: 's', events: [increment({ type: 2, data: { node } })] }).events[0]?.issues,
    ).toBeUndefined()
    const deep = '['.repeat(maxReplayDepth + 1)
    expect(() => decoded(`{"events":[{"data":${deep}`)).toThrow(`nested deeper than ${maxReplayDepth} levels at byte`)
  })

  it('lets others in between every few hundred kilobytes, and gives the same', () => {
    const snapshot = increment({ type: 2, data: { node: { textContent: 'x'.repeat(3_000_000) } } })
    const body = bytes({
      sessionId: 's',
      sequence: 1,
      events: [snapshot, ...Array.from({ length: 2000 }, (_, n) => increment({ data: { n } }))],
    })
    const steps = decodeRrwebInSteps(body, cx)
    let turns = 0
    let step = steps.next()
    for (; step.done !== true; step = steps.next()) turns++
    expect(turns).toBeGreaterThan(25)
    expect(step.value).toEqual(decodeRrweb(body, cx))
  })
})

describe('events', () => {
  it('are kept byte for byte, also what a number or a text cannot hold', () => {
    const text =
      '{ "type":3, "data":{"source":0,"id":12345678901234567890,"text":"\\ud800 \\u00e9 é"}, "timestamp":1767225600000 }'
    expect(texts(`{"sessionId":"s","events":[${text} ,${text}]}`)).toEqual([text, text])
  })

  it('have an id and a place by session, chunk, place and time; sent again, the same', () => {
    const body = { sessionId: 's', sequence: 7, events: [increment(), increment()] }
    const ids = decoded(body).events.map(({ columns }) => [columns.id, columns.replay_sequence])
    expect(ids).toEqual([
      [`replay_s_7_0_${at}`, 7],
      [`replay_s_7_1_${at}`, 7.00001],
    ])
    expect(decoded(body).events.map(({ columns }) => [columns.id, columns.replay_sequence])).toEqual(ids)
    // The next page of the session counts anew.
    const next = decoded({ ...body, events: [increment({ timestamp: at + 5 })] }).events[0]
    expect(next?.columns.id).toBe(`replay_s_7_0_${at + 5}`)
  })

  it('are in order within 100,000 of a chunk', () => {
    const { events } = decoded(`{"sessionId":"s","sequence":900000000,"events":[${'{},'.repeat(99_999)}{}]}`)
    const places = events.map(({ columns }) => columns.replay_sequence as number)
    expect(places.every((place, index) => index === 0 || place > (places[index - 1] as number))).toBe(true)
    expect(places.at(-1)).toBeLessThan(900_000_001)
  })

  it('without a sequence leave their id to the gate', () => {
    const { columns } = decoded({ sessionId: 's', events: [increment()] }).events[0]!
    expect(columns).not.toHaveProperty('id')
    expect(columns).not.toHaveProperty('replay_sequence')
  })

  it('take the page from the body, the query, a Meta event, the referrer, in this order', () => {
    const meta = increment({ type: 4, data: { href: 'https://meta.example/' } })
    const headers = { referer: 'https://shop.example/from' }
    const page = (body: object, more: Partial<DecodeContext>) => decoded(body, more).events[0]?.columns.http_url
    const query = { pageUrl: 'https://query.example/' }
    expect(page({ sessionId: 's', pageUrl: 'https://body.example/', events: [meta] }, { headers, query })).toBe(
      'https://body.example/',
    )
    expect(page({ sessionId: 's', events: [meta] }, { headers, query })).toBe('https://query.example/')
    expect(page({ sessionId: 's', events: [meta] }, { headers })).toBe('https://meta.example/')
    expect(page({ sessionId: 's', events: [increment()] }, { headers })).toBe('https://shop.example/from')
    // Of another origin, browsers name the origin alone: that is no page.
    expect(
      page({ sessionId: 's', events: [increment()] }, { headers: { referer: 'https://shop.example/' } }),
    ).toBeUndefined()
  })
})

describe('what is compressed within the body', () => {
  const events = [increment(), increment({ type: 1 })]
  const plain = events.map((event) => JSON.stringify(event))
  const query = { sessionId: 's' }

  it.each([
    ['gzip as it is', gzipSync(JSON.stringify(events)), {}],
    ['zlib as it is', deflateSync(JSON.stringify({ events })), {}],
    ['gzip by name', gzipSync(JSON.stringify(events)), { compression: 'gzip' }],
    [
      'gzip in base64 by name',
      Buffer.from(gzipSync(JSON.stringify(events)).toString('base64')),
      { compression: 'base64' },
    ],
    ['gzip named, but inflated by the listener already', bytes(events), { compression: 'gzip' }],
    ['data of gzip', bytes({ data: gzipSync(JSON.stringify(events)).toString('base64') }), {}],
    ['data of plain JSON', bytes({ data: Buffer.from(JSON.stringify({ events })).toString('base64') }), {}],
    ['events as JSON texts', bytes({ events: plain }), {}],
    [
      "events as rrweb's packer makes them",
      bytes({ events: plain.map((text) => deflateSync(text).toString('latin1')) }),
      {},
    ],
  ])('is read: %s', (_name, body, more) => {
    const { events: read } = decodeRrweb(body, { ...cx, query: { ...query, ...more } })
    expect(read.map(({ columns }) => Buffer.from(columns.replay_data ?? []).toString())).toEqual(plain)
    expect(read.flatMap(({ issues }) => issues ?? [])).toEqual([])
  })

  it('may not grow beyond 20 MB in all', () => {
    const bomb = gzipSync(Buffer.alloc(21_000_000, ' '))
    const packed = deflateSync(Buffer.alloc(8_000_000, ' ')).toString('latin1')
    const tooLarge = expect.objectContaining({ code: 'too_large' }) as Error
    expect(() => decodeRrweb(bomb, cx)).toThrow(tooLarge)
    expect(() => decoded({ sessionId: 's', data: bomb.toString('base64') })).toThrow(tooLarge)
    expect(() => decoded({ sessionId: 's', events: [packed, packed, packed] })).toThrow(tooLarge)
  })

  it('is refused under a name that is not known', () => {
    expect(() => decoded([increment()], { query: { ...query, compression: 'lzma' } })).toThrow(
      '?compression= of 4 characters',
    )
  })
})
