import { PipelineError } from '../../core/errors.ts'

/** Changes a parsed JSON value of one column; undefined where nothing is to be changed. */
export type ValueConversion = (value: unknown) => unknown

const wideInteger = /^U?Int(64|128|256)$/

/**
 * 64-bit and wider integers leave as strings, because JavaScript cannot hold them; what is inside a JSON or Dynamic column
 * stays a number as its sender wrote it, unless it is one of those that cannot be held.
 */
export function conversionOf(type: string): ValueConversion {
  return strict(type) ?? exact
}

function strict(type: string): ValueConversion | undefined {
  if (wideInteger.test(type)) return asString
  const open = type.indexOf('(')
  if (open === -1) return undefined
  const inner = splitTypes(type.slice(open + 1, type.lastIndexOf(')')))
  switch (type.slice(0, open)) {
    case 'Nullable':
    case 'LowCardinality':
      return strict(inner[0] ?? '')
    case 'SimpleAggregateFunction':
      return strict(inner[1] ?? '')
    case 'Array': {
      const item = conversionOf(inner[0] ?? '')
      return (value) => (Array.isArray(value) ? value.map(item) : exact(value))
    }
    case 'Map': {
      const item = conversionOf(inner[1] ?? '')
      return (value) => mapObject(value, () => item)
    }
    case 'Tuple':
    case 'Nested': {
      const items = inner.map((part) => conversionOf(part.replace(/^(`[^`]*`|\w+) (?=\w)/, '')))
      return (value) =>
        Array.isArray(value)
          ? value.map((item, index) => (items[index] ?? exact)(item))
          : mapObject(value, (index) => items[index] ?? exact)
    }
    default:
      return undefined
  }
}

function asString(value: unknown): unknown {
  return typeof value === 'number' || typeof value === 'bigint' ? String(value) : value
}

/** Big integers that the parser kept exact become strings, wherever they are. */
function exact(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value)
  // Few objects hold one, and looking is cheaper than making them anew.
  if (typeof value !== 'object' || value === null || !holdsBigint(value)) return value
  return Array.isArray(value) ? value.map(exact) : mapObject(value, () => exact)
}

function holdsBigint(value: unknown): boolean {
  if (typeof value === 'bigint') return true
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return value.some(holdsBigint)
  for (const key in value) if (holdsBigint((value as Record<string, unknown>)[key])) return true
  return false
}

function mapObject(value: unknown, conversion: (index: number) => ValueConversion): unknown {
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item], index) => [key, conversion(index)(item)]))
}

/** `A, Tuple(B, C)` → `A`, `Tuple(B, C)`. */
function splitTypes(list: string): string[] {
  const parts: string[] = []
  let depth = 0
  let from = 0
  let quote = ''
  for (let at = 0; at < list.length; at++) {
    const character = list[at]!
    if (quote !== '') {
      if (character === '\\') at++
      else if (character === quote) quote = ''
    } else if (character === "'" || character === '`') quote = character
    else if (character === '(') depth++
    else if (character === ')') depth--
    else if (character === ',' && depth === 0) {
      parts.push(list.slice(from, at).trim())
      from = at + 1
    }
  }
  if (depth !== 0) throw new PipelineError('internal', `column type with unequal parentheses: ${list}`)
  parts.push(list.slice(from).trim())
  return parts
}
