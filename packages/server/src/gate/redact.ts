/**
 * An event as it may be shown to whoever may browse the quarantine: its shape. Strings become `<string n>`, keys that look like values
 * become `<key n>`, bytes `<bytes n>`; numbers, booleans and null stay. Bounded in depth, width and length.
 */
export function redact(value: unknown): string {
  const budget = { left: maxFields }
  return JSON.stringify(shape(value, 0, budget))
}

const maxDepth = 12
/** Fields of the whole event; with keys of 64 characters and values of 30 that is at most some 50 KB. */
const maxFields = 500
const maxKeyLength = 64
/** What people name fields. Anything else (addresses, sentences, long numbers) may be a value used as a key. */
const plainKey = /^[A-Za-z_$][\w$.:/ -]{0,63}$/
const longNumber = /\d{7}/

function shape(value: unknown, depth: number, budget: { left: number }): unknown {
  if (typeof value === 'string') return `<string ${value.length}>`
  if (typeof value === 'bigint') return `<integer ${value.toString().length} digits>`
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value !== 'object' || value === null) return null
  if (value instanceof Uint8Array) return `<bytes ${value.length}>`
  if (depth >= maxDepth) return '<deeper>'
  if (Array.isArray(value)) {
    const items: unknown[] = []
    for (const item of value as unknown[]) {
      if (budget.left-- <= 0) break
      items.push(shape(item, depth + 1, budget))
    }
    if (items.length < value.length) items.push(`<${value.length - items.length} more>`)
    return items
  }
  const fields: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  let count = 0
  for (const key in value) {
    if (!Object.hasOwn(value, key)) continue
    const field = (value as Readonly<Record<string, unknown>>)[key]
    if (field === undefined) continue
    if (budget.left-- <= 0) {
      fields['<more>'] = true
      break
    }
    count++
    const name =
      key.length <= maxKeyLength && plainKey.test(key) && !longNumber.test(key)
        ? key
        : `<key ${count} of ${key.length}>`
    fields[name] = shape(field, depth + 1, budget)
  }
  return fields
}
