/**
 * One text for equal values: keys sorted by UTF-16 code units, no white space, undefined left out, numbers as the shortest
 * decimal that JavaScript writes, bigint as its digits, bytes as base64. What HMAC ids are made of, so it never changes.
 * Nesting must be bounded by the caller.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'number') return Number.isFinite(value) ? String(value === 0 ? 0 : value) : 'null'
  if (typeof value === 'bigint') return value.toString()
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  if (typeof value !== 'object' || value === null) return 'null'
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'))
  const object = value as Record<string, unknown>
  let members = ''
  for (const key of Object.keys(object).sort()) {
    const member = object[key]
    if (member === undefined) continue
    if (members !== '') members += ','
    members += `${quote(key)}:${canonicalJson(member)}`
  }
  return `{${members}}`
}

/** What JSON.stringify writes as an escape (and pairs of surrogates, which it leaves). */
const maybeEscaped = /["\\\u0000-\u001f\ud800-\udfff]/

/** As JSON.stringify, at half its price for the usual text. */
function quote(text: string): string {
  return maybeEscaped.test(text) ? JSON.stringify(text) : `"${text}"`
}
