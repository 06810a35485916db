import type { Carrier, ColumnKind, ColumnPart, PiiClass } from './kind.ts'

/** One column as it is declared, literal types kept. */
export interface ColumnDeclaration<N extends string = string, K extends ColumnKind = ColumnKind> {
  /** Permanent field number; locked by columns.lock.json. */
  readonly number: number
  readonly name: N
  readonly kind: K
  readonly pii: PiiClass
  readonly meaning: string
  readonly part: ColumnPart
  readonly carrier: Carrier
}

export interface ColumnOptions {
  readonly part?: ColumnPart
  readonly carrier?: Carrier
}

export function column<const N extends string, const K extends ColumnKind>(
  number: number,
  name: N,
  kind: K,
  pii: PiiClass,
  meaning: string,
  options: ColumnOptions = {},
): ColumnDeclaration<N, K> {
  return { number, name, kind, pii, meaning, part: options.part ?? 'event', carrier: options.carrier ?? 'event' }
}
