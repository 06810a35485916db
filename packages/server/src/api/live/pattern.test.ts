import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePattern, PatternError } from './pattern.ts'

const atom = fc.constantFrom('a', 'b', 'c', '.', '[ab]', '[^a]', '[a-c]', '\\d', '\\w', '\\.', '^', '$')
const tree = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small' },
    atom,
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => `${a}${b}`),
    fc.tuple(tie('node'), tie('node')).map(([a, b]) => `(${a}|${b})`),
    fc.tuple(tie('node'), fc.constantFrom('*', '+', '?', '{2}', '{1,3}', '{0,}')).map(([a, sign]) => `(${a})${sign}`),
  ),
}))

describe('a pattern', () => {
  it('finds what the regular expressions of JavaScript find', () => {
    fc.assert(
      fc.property(
        tree.node,
        fc.string({ unit: fc.constantFrom('a', 'b', 'c', '1', '.', '\n'), maxLength: 12 }),
        (source, text) => {
          fc.pre(source.length <= 60)
          expect(compilePattern(source)(text)).toBe(new RegExp(source).test(text))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it.each([
    ['(?i)order', 'My ORDER', true],
    ['(?i)[A-C]+1', 'xb1', true],
    ['order', 'Order', false],
    ['^Order (Completed|Paid)$', 'Order Paid', true],
    ['^Order (Completed|Paid)$', 'Order Paid!', false],
    ['\\bx', 'x', 'error'],
    ['a{2,3}', 'caaa', true],
    ['a{3}', 'aa', false],
    ['', 'anything', true],
    ['[]a]', 'a', 'error'],
    ['[a-]', '-', true],
    ['\\s', 'a b', true],
    ['ä+', 'xää', true],
  ] as const)('%s in %j: %s', (source, text, expected) => {
    if (expected === 'error') expect(() => compilePattern(source)).not.toThrow(TypeError)
    else expect(compilePattern(source)(text)).toBe(expected)
  })

  it.each([
    '(',
    ')',
    'a**',
    '[a',
    '*',
    'a{3,1}',
    'a{51}',
    'a{999}',
    '{2}',
    '\\',
    '\\b',
    '\\1',
    '(?=a)',
    '(?<n>a)',
    '[b-a]',
    'a'.repeat(201),
    '((((((a{50}){50}){50})))',
  ])('refuses %j, and says why', (source) => expect(() => compilePattern(source)).toThrow(PatternError))

  it('ends also where backtracking would not: a text of 10,000 characters and nested repetitions', () => {
    const text = `${'a'.repeat(10_000)}!`
    for (const source of ['(a*)*b$', '(a|a)*b', '(a|aa)+$b', '(.*)*(.*)*(.*)*x', '^(([a-z])+.)+[A-Z]([a-z])+$'])
      expect(compilePattern(source)(text)).toBe(false)
  })

  it('gives the same answer again: it keeps nothing of the text before', () => {
    const matches = compilePattern('^a+b$')
    expect(['aab', 'aac', 'aab', '', 'b', 'ab'].map(matches)).toEqual([true, false, true, false, false, true])
  })
})
