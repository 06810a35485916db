/**
 * JSON whose integers stay exact. An integer beyond ±2^53 becomes a bigint in memory and is written back digit for digit;
 * every other number is a double. `__proto__` is a key like any other: own data, never a prototype.
 * Text does not tell a double from an integer: a double that is a whole number beyond 2^53 is written as digits and read as a bigint.
 */

/** `context.source` and `rawJSON` are in Node 24 but not yet in TypeScript's library. */
interface ExactJson {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
  rawJSON(text: string): object
}
const exactJson = JSON as unknown as ExactJson

/** Digits of 2^53 = 9007199254740992: a shorter run is always exact. */
const firstInexactDigits = 16

/**
 * Parse JSON text. Throws SyntaxError as JSON.parse does. Nesting is not limited here; text with long integers must not be
 * nested more than some thousand levels (RangeError), so callers check depth first.
 */
export function parseJson(text: string): unknown {
  if (!mayHoldLongInteger(text)) return JSON.parse(text)
  return exactJson.parse(text, (_key, value, context) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
    const { source } = context
    // Fractions and exponents are doubles by intention; only plain integers are ids and counters.
    return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value
  })
}

/**
 * Write JSON text: bigint as its digits, lone surrogates as U+FFFD (they are no text; stores refuse their escapes).
 * A value that JSON has no word for (undefined, a function) is written as null.
 */
export function stringifyJson(value: unknown): string {
  let text: string | undefined
  try {
    text = JSON.stringify(value) as string | undefined
  } catch (error) {
    // bigint; anything else that JSON.stringify refuses (a cycle) is refused by the exact form again.
    if (!(error instanceof TypeError)) throw error
    return exactStringify(value)
  }
  if (text === undefined) return 'null'
  // JSON.stringify writes lone surrogates as \ud8xx … \udfxx escapes.
  return text.includes('\\ud') ? exactStringify(value) : text
}

function exactStringify(value: unknown): string {
  const text = JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner === 'bigint') return exactJson.rawJSON(inner.toString())
    if (typeof inner === 'string') return inner.toWellFormed()
    if (typeof inner === 'object' && inner !== null && !Array.isArray(inner)) return withWellFormedKeys(inner)
    return inner
  }) as string | undefined
  return text ?? 'null'
}

function withWellFormedKeys(object: object): object {
  const keys = Object.keys(object)
  if (keys.every((key) => key.isWellFormed())) return object
  return Object.fromEntries(keys.map((key) => [key.toWellFormed(), (object as Record<string, unknown>)[key]]))
}

/**
 * Whether the text may hold an integer of 16 digits or more outside a string. A run that long covers a multiple of 16, so one
 * character of 16 is looked at. Ids in strings (`"1234567890123456"`) and fractions do not count; a rare false yes only costs time.
 */
export function mayHoldLongInteger(text: string): boolean {
  const { length } = text
  for (let at = firstInexactDigits - 1; at < length; at += firstInexactDigits) {
    if (!isDigit(text.charCodeAt(at))) continue
    let start = at
    while (start > 0 && isDigit(text.charCodeAt(start - 1))) start--
    let end = at + 1
    while (end < length && isDigit(text.charCodeAt(end))) end++
    if (end - start >= firstInexactDigits && startsNumber(text, start)) return true
    // Go on behind the run, so that a body of digits is walked once.
    at = Math.max(at, end - (end % firstInexactDigits) - 1)
  }
  return false
}

function isDigit(code: number): boolean {
  return code >= 48 && code <= 57
}

/** Whether what stands before a run of digits lets it be a number of its own: `:` `[` `,` white space, the start, or one of those and `-`. */
function startsNumber(text: string, start: number): boolean {
  let before = start - 1
  if (before >= 0 && text.charCodeAt(before) === 45) before--
  if (before < 0) return true
  const code = text.charCodeAt(before)
  return code === 58 || code === 91 || code === 44 || code === 32 || code === 10 || code === 13 || code === 9
}
