import { stringifyJson } from '@millrace/protocol'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { runAtOnce } from '../../core/in-steps.ts'
import { PipelineError } from '../../core/errors.ts'
import { splitJson } from './json-pieces.ts'
import { decodeJson } from './json-request.ts'
import type { OtlpKind } from './model.ts'
import { requests, toOtlpJson } from './requests.fixture.ts'
import { maxJsonDepth } from '../json-scan.ts'

/** What comes of a body, refusals too; as text, since the difference of large structures takes minutes to print. */
function outcome(kind: OtlpKind, body: Uint8Array, inPieces: boolean): string {
  try {
    const { events } = runAtOnce(decodeJson(kind, body, inPieces))
    return stringifyJson(events.map(({ columns, issues, original }) => ({ columns, issues, original })))
  } catch (error) {
    if (error instanceof PipelineError) return `${error.code}: ${error.message}`
    throw error
  }
}
const same = (kind: OtlpKind, body: Uint8Array) => expect(outcome(kind, body, true)).toBe(outcome(kind, body, false))

describe.each(['traces', 'logs', 'metrics'] as const)('a large body of %s, read in pieces', (kind) => {
  it('gives what it gives as a whole, however it is written', () => {
    fc.assert(
      fc.property(requests[kind], fc.constantFrom(undefined, 1, '\t'), (request, indent) => {
        same(kind, Buffer.from(indented(toOtlpJson(request), indent)))
      }),
      { numRuns: 50 },
    )
  })

  it('is refused for what it is refused for as a whole, cut or damaged anywhere', () => {
    const damage = fc.array(
      fc.tuple(fc.nat(), fc.constantFrom('{', '}', '[', ']', ',', ':', '"', '\\', ' ', '0', 'a')),
      { maxLength: 3 },
    )
    fc.assert(
      fc.property(requests[kind], fc.nat(), damage, (request, cut, places) => {
        const body = Buffer.from(toOtlpJson(request))
        for (const [place, character] of places) body.write(character, place % body.length)
        same(kind, body)
        same(kind, body.subarray(0, cut % body.length))
      }),
      { numRuns: 60 },
    )
  })
})

/** Blanks between the parts; values are strings and stay. */
function indented(json: string, indent: string | number | undefined): string {
  return indent === undefined ? json : JSON.stringify(JSON.parse(json), undefined, indent)
}

const text = (spans: string) => Buffer.from(`{"resourceSpans":[{"scopeSpans":[{"spans":[${spans}]}]}]}`)

it('cuts between items, and leaves the rest in one piece', () => {
  const items = Array.from({ length: 600 }, (_, n) => `{"name":"s,[${n}\\"]"}`)
  const split = runAtOnce(splitJson(text(items.join(', '))))
  expect(Buffer.from(split!.skeleton).toString()).toBe('{"resourceSpans":[{"scopeSpans":[{"spans":[0]}]}]}')
  expect(split!.lists.map((pieces) => pieces.map(({ count }) => count))).toEqual([[256, 256, 88]])
})

it('leaves other lists of the same depth, and empty ones', () => {
  const other = '{"resourceSpans":[{"scopeSpans":[{"unknown":[1,2],"spans":[ ]}]}]}'
  expect(runAtOnce(splitJson(Buffer.from(other)))).toBeUndefined()
  same('traces', text('{"name":"a"},'))
  same('traces', text(',{"name":"a"}'))
  same('traces', text('0'))
  same('traces', Buffer.from('{"resourceSpans":[{"scopeSpans":[{"spans":[{],"spans":[{}]}]}]}'))
  same('traces', Buffer.from('{"resourceSpans":[{"scopeSpans":[{"logs":[tru]}]}]}'))
})

it('does not look at a list behind an escaped key, nor at one that is nested too deep', () => {
  for (const body of [
    Buffer.from('{"resourceSpans":[{"scopeSpans":[{"sp\\u0061ns":[0],"logs":[1]}]}]}'),
    text(`${'['.repeat(maxJsonDepth)}${']'.repeat(maxJsonDepth)}`),
  ]) {
    expect(runAtOnce(splitJson(body))).toBeUndefined()
    same('traces', body)
  }
})

it('takes the last of equal keys', () => {
  same(
    'traces',
    Buffer.from('{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"}],"spans":[{"name":"b"},{"name":"c"}]}]}]}'),
  )
})
