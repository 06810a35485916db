import { allowedFunctions } from './functions.gen.ts'
import { allowedTableFunctions, isReaching, isRefused } from './refused-functions.ts'
import { readTree, type TreeLine } from './syntax-tree.ts'

/** What the server at hand has, in lower case: a name that it does not know cannot do anything. */
export interface KnownFunctions {
  readonly functions: ReadonlySet<string>
  readonly tableFunctions: ReadonlySet<string>
  readonly combinators: readonly string[]
}

/** Parts of a SELECT. Whatever else ClickHouse's grammar has, or will have, is refused. */
const allowedKinds: ReadonlySet<string> = new Set([
  'SelectWithUnionQuery',
  'SelectIntersectExceptQuery',
  'SelectQuery',
  'ExpressionList',
  'Function',
  'Identifier',
  'TableIdentifier',
  'Literal',
  'Subquery',
  'WithElement',
  'Asterisk',
  'QualifiedAsterisk',
  'ColumnsListMatcher',
  'ColumnsRegexpMatcher',
  'QualifiedColumnsListMatcher',
  'QualifiedColumnsRegexpMatcher',
  'ColumnsTransformerList',
  'ColumnsExceptTransformer',
  'ColumnsReplaceTransformer',
  'ColumnsReplaceTransformer::Replacement',
  'TablesInSelectQuery',
  'TablesInSelectQueryElement',
  'TableExpression',
  'TableJoin',
  'ArrayJoin',
  'OrderByElement',
  'InterpolateElement',
  'WindowListElement',
  'WindowDefinition',
  'SampleRatio',
  'QueryParameter',
  'DescribeQuery',
])

const sayings: Readonly<Record<string, string>> = {
  Set: 'SETTINGS and SET are not allowed: the limits of a query are set by the configuration',
  ColumnsApplyTransformer: 'APPLY is not allowed: write the function around each column',
  InsertQuery: 'only SELECT is allowed, not INSERT',
  DropQuery: 'only SELECT is allowed, not DROP or TRUNCATE',
  AlterQuery: 'only SELECT is allowed, not ALTER',
  CreateQuery: 'only SELECT is allowed, not CREATE',
  Explain: 'only SELECT is allowed, not EXPLAIN',
}

/** Why this query may not run, or undefined when it may. `lines` are the answer of `EXPLAIN AST`. */
export function judge(lines: readonly string[], known: KnownFunctions): string | undefined {
  const tree = readTree(lines)
  const root = tree[0]
  if (root === undefined) return 'the query is empty'
  for (let index = 0; index < tree.length; index++) {
    const why = judgeLine(tree[index]!, tree[index - 1], known)
    if (why !== undefined) return why
  }
  if (root.kind !== 'SelectWithUnionQuery' && root.kind !== 'DescribeQuery')
    return `only SELECT is allowed, this is ${root.kind}`
  // INTO OUTFILE and FORMAT are further children of the query, beside the list of its SELECTs.
  for (const [index, line] of tree.entries())
    if (line.depth === 1 && index > 0 && root.kind === 'SelectWithUnionQuery' && line.kind !== 'ExpressionList')
      return 'FORMAT and INTO OUTFILE are not allowed: the Accept header of the request chooses the format'
  return undefined
}

function judgeLine(line: TreeLine, before: TreeLine | undefined, known: KnownFunctions): string | undefined {
  if (!allowedKinds.has(line.kind))
    return sayings[line.kind] ?? `only SELECT is allowed, this has ${line.kind.replace(/[^\w:]/g, '')}`
  if (line.kind === 'Function') {
    const isTable = before?.kind === 'TableExpression' && line.depth === before.depth + 1
    return isTable ? judgeTableFunction(line.text) : judgeFunction(line.text, known)
  }
  if (line.kind === 'Identifier' || line.kind === 'TableIdentifier')
    return judgeName(line.text, line.kind === 'Identifier')
  return undefined
}

function judgeTableFunction(name: string): string | undefined {
  return allowedTableFunctions.has(name.toLowerCase()) ? undefined : `the table function ${name} is not allowed`
}

/** Names are compared without case: where ClickHouse tells them apart, both are the same function or one does not exist. */
function judgeFunction(name: string, known: KnownFunctions): string | undefined {
  const lower = name.toLowerCase()
  if (isRefused(name)) return `the function ${name} is not allowed`
  if (allowedFunctions.has(lower)) return undefined
  // A table function may stand where a function may: `x IN merge(…)`.
  if (known.tableFunctions.has(lower))
    return allowedTableFunctions.has(lower) ? undefined : `the table function ${name} is not allowed`
  if (known.functions.has(lower)) return `the function ${name} is not in the list of allowed ones`
  // `sumIf`, `uniqStateOrNull`: an aggregate function with combinators.
  const ending = known.combinators.find((combinator) => lower.endsWith(combinator) && lower.length > combinator.length)
  return ending === undefined ? undefined : judgeFunction(lower.slice(0, -ending.length), known)
}

/** A function's name is also a value: `arrayMap(file, …)`. System tables show other projects' sizes and this machine's folders. */
function judgeName(name: string, canBeFunction: boolean): string | undefined {
  if (/^(system|information_schema)\./i.test(name))
    return `${name.split('.')[0]} is not open to queries: ask events, outcomes, ledger, quarantine or trace_spans`
  if (canBeFunction && isReaching(name))
    return `${name} is the name of a function that is not allowed; name the alias otherwise`
  return undefined
}
