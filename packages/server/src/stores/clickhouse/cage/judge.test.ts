import { describe, expect, it } from 'vitest'
import { judge, type KnownFunctions } from './judge.ts'

const known: KnownFunctions = {
  functions: new Set(['plus', 'file', 'brandnew', 'sum', 'newaggregate']),
  tableFunctions: new Set(['numbers', 'merge', 'brandnewtable']),
  combinators: ['ornull', 'state', 'if'],
}
const select = (...lines: string[]) =>
  judge(
    [
      'SelectWithUnionQuery (children 1)',
      ' ExpressionList (children 1)',
      '  SelectQuery (children 1)',
      ...lines.map((line) => `   ${line}`),
    ],
    known,
  )

describe('judge', () => {
  it('lets a plain query through', () => {
    expect(
      select(
        'ExpressionList (children 1)',
        ' Function plus (alias n) (children 1)',
        '  ExpressionList (children 2)',
        '   Identifier a',
        "   Literal \\'file\\'",
      ),
    ).toBeUndefined()
  })

  it('refuses a function that the server has and the list has not', () => {
    expect(select('Function brandNew (children 1)')).toContain('not in the list')
    expect(select('Function newAggregateIf (children 1)')).toContain('not in the list')
    expect(select('Function newAggregateStateOrNull (children 1)')).toContain('not in the list')
  })

  it('leaves a name that the server does not know to the server', () => {
    expect(select('Function double (children 1)')).toBeUndefined()
  })

  it('refuses a table function wherever it stands', () => {
    expect(select('TableExpression (children 1)', ' Function merge (children 1)')).toContain('merge')
    expect(select('Function in (children 1)', ' Function merge (children 1)')).toContain('merge')
    expect(select('TableExpression (children 1)', ' Function brandNewTable (children 1)')).toContain('brandNewTable')
    expect(select('TableExpression (children 1)', ' Function numbers (children 1)')).toBeUndefined()
  })

  it('refuses parts of a query that it does not know', () => {
    expect(select('SomethingNew (children 1)')).toContain('SomethingNew')
    expect(judge(['SystemQuery'], known)).toContain('only SELECT')
    expect(judge([], known)).toContain('empty')
  })

  it('refuses a format, and a file to write into', () => {
    const query = ['SelectWithUnionQuery (children 2)', ' ExpressionList (children 1)', '  SelectQuery (children 1)']
    expect(judge([...query, ' Identifier Native'], known)).toContain('Accept')
    expect(judge([...query, " Literal \\'/tmp/x\\'"], known)).toContain('INTO OUTFILE')
  })

  it('sees a refused name behind an alias with line feeds', () => {
    expect(select('Literal UInt64_1 (alias a)', 'ExpressionList', 'Function file (children 1)')).toContain('file')
    expect(select('Literal UInt64_1 (alias a', 'b)', 'Identifier FILE')).toBeDefined()
  })
})
