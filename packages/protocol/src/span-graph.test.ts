import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { computeSpanGraph, type SpanLink } from './span-graph.ts'

const span = (span_id: string, parent_id = '', trace_id = 't1'): SpanLink => ({ trace_id, span_id, parent_id })

it('places root, children and leaves, in any order (X3-10)', () => {
  const graph = computeSpanGraph([span('c', 'b'), span('b', 'a'), span('a'), span('d', 'a')])
  expect(graph).toEqual([
    { depth: 2, is_leaf: true, is_root: false },
    { depth: 1, is_leaf: false, is_root: false },
    { depth: 0, is_leaf: false, is_root: true },
    { depth: 1, is_leaf: true, is_root: false },
  ])
})

it('gives depth 1 below an unknown parent, and counts on from there (X3-10)', () => {
  expect(computeSpanGraph([span('y', 'x'), span('x', 'gone')])).toEqual([
    { depth: 2, is_leaf: true, is_root: false },
    { depth: 1, is_leaf: false, is_root: false },
  ])
})

it('keeps traces apart whose span ids are the same', () => {
  expect(computeSpanGraph([span('a'), span('b', 'a', 't2')]).map((place) => [place.depth, place.is_leaf])).toEqual([
    [0, true],
    [1, true],
  ])
})

it('ends on cycles: their members have no root above them', () => {
  expect(computeSpanGraph([span('a', 'b'), span('b', 'a'), span('c', 'b'), span('self', 'self')])).toEqual([
    { depth: 1, is_leaf: false, is_root: false },
    { depth: 1, is_leaf: false, is_root: false },
    { depth: 2, is_leaf: true, is_root: false },
    { depth: 1, is_leaf: false, is_root: false },
  ])
})

it('takes a chain of 100,000 spans', () => {
  const chain = Array.from({ length: 100_000 }, (_, index) =>
    span(`s${index}`, index === 0 ? '' : `s${index - 1}`),
  ).reverse()
  expect(computeSpanGraph(chain)[0]?.depth).toBe(99_999)
})

it('is stable: applying the rule once more to its own result changes nothing (X3-10)', () => {
  const id = fc.constantFrom('', 'a', 'b', 'c', 'd', 'e', 'f')
  const spans = fc.uniqueArray(fc.record({ trace_id: fc.constantFrom('t1', 't2'), span_id: id, parent_id: id }), {
    selector: (each) => `${each.trace_id} ${each.span_id}`,
    maxLength: 14,
  })
  fc.assert(
    fc.property(spans, (links) => {
      const graph = computeSpanGraph(links)
      links.forEach((link, index) => {
        const parent = links.findIndex((each) => each.span_id === link.parent_id && each.trace_id === link.trace_id)
        const depth = graph[index]?.depth
        if (link.parent_id === '') expect(depth).toBe(0)
        else if (parent < 0) expect(depth).toBe(1)
        else if (!isInCycle(links, index)) expect(depth).toBe((graph[parent]?.depth ?? 0) + 1)
        else expect(depth).toBe(1)
        const isNamed =
          link.span_id !== '' &&
          links.some((each) => each.parent_id === link.span_id && each.trace_id === link.trace_id)
        expect(graph[index]?.is_leaf).toBe(!isNamed)
      })
    }),
  )
})

function isInCycle(links: readonly SpanLink[], start: number): boolean {
  let at = start
  for (let steps = 0; steps <= links.length; steps++) {
    const { parent_id, trace_id } = links[at] as SpanLink
    at = parent_id === '' ? -1 : links.findIndex((each) => each.span_id === parent_id && each.trace_id === trace_id)
    if (at < 0) return false
    if (at === start) return true
  }
  return false
}
