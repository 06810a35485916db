/**
 * One line of ClickHouse's `EXPLAIN AST`, whose indent by one space per level says whose child it is:
 *
 *   Function countIf (alias n) (children 1)
 *    ExpressionList (children 2)
 *     Identifier revenue
 *
 * Names and aliases are printed as they are. One that contains line feeds looks like more lines than there are: it can add
 * nodes, never hide one, so whoever refuses by what is there errs on the safe side. Literals are escaped.
 */
export interface TreeLine {
  readonly depth: number
  /** `Function`, `Identifier`, `SelectQuery` … */
  readonly kind: string
  /** What follows, without alias and number of children. */
  readonly text: string
}

export function readTree(lines: readonly string[]): TreeLine[] {
  return lines.map((line) => {
    const depth = line.length - line.trimStart().length
    const [kind = '', ...rest] = line.trim().split(' ')
    return { depth, kind, text: rest.join(' ').replace(/ ?\((?:alias |children \d+\)$)[\s\S]*$/, '') }
  })
}
