import { parseJson, stringifyJson } from '@millrace/protocol'

/** How the content of a sealed original reads: see the grammar in seal.ts. */
const json = 1
const bytes = 2

export function originalBytes(original: unknown): { readonly form: number; readonly content: Uint8Array } {
  if (original instanceof Uint8Array) return { form: bytes, content: original }
  return { form: json, content: Buffer.from(toJson(original)) }
}

export function originalOf(form: number, content: Uint8Array): unknown {
  return form === bytes ? content : parseJson(Buffer.from(content).toString('utf8'))
}

function toJson(value: unknown): string {
  try {
    return stringifyJson(value)
  } catch (error) {
    // Nested by thousands of levels, which is why it is quarantined: the writer that needs no stack takes it.
    if (error instanceof RangeError) return deepJson(value)
    throw error
  }
}

type Frame = {
  readonly close: string
  readonly items: readonly (readonly [prefix: string, value: unknown])[]
  at: number
}

function deepJson(root: unknown): string {
  const parts: string[] = []
  const stack: Frame[] = []
  const write = (value: unknown) => {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) {
      parts.push(stringifyJson(value))
    } else if (Array.isArray(value)) {
      parts.push('[')
      stack.push({ close: ']', items: value.map((item: unknown) => ['', item] as const), at: 0 })
    } else {
      parts.push('{')
      const fields = Object.entries(value).filter(([, field]) => field !== undefined)
      stack.push({ close: '}', items: fields.map(([key, field]) => [`${stringifyJson(key)}:`, field] as const), at: 0 })
    }
  }
  write(root)
  for (let frame = stack.at(-1); frame !== undefined; frame = stack.at(-1)) {
    const item = frame.items[frame.at]
    if (item === undefined) {
      parts.push(frame.close)
      stack.pop()
      continue
    }
    parts.push(frame.at++ === 0 ? item[0] : `,${item[0]}`)
    write(item[1])
  }
  return parts.join('')
}
