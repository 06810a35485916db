/** Where and how bytes stop being JSON. */
export interface JsonFault {
  /** Offset of the first byte that cannot be there; the length of the text when it ends too early. */
  readonly offset: number
  readonly what: 'unexpected end' | 'unexpected character' | 'unescaped control character' | 'bad escape' | 'bad number'
  /** The first value was complete and something follows it: maybe NDJSON. */
  readonly afterValue: boolean
}

/**
 * Finds the first fault. Runs only after `JSON.parse` has refused: the engine's own message quotes the text around the
 * fault, which may be a person's data, and often names no position. Iterative; its stack is one bit per open bracket.
 * Returns undefined when the bytes are one JSON value after all.
 */
export function findJsonFault(bytes: Uint8Array): JsonFault | undefined {
  const open: boolean[] = [] // true: object
  let at = skipSpace(bytes, 0)
  let wants: 'value' | 'value or ]' | 'key' | 'key or }' | 'comma' = 'value'
  for (;;) {
    const byte = bytes[at]
    if (wants === 'comma' && open.length === 0) {
      return byte === undefined ? undefined : { ...fault(at, 'unexpected character'), afterValue: true }
    }
    if (byte === undefined) return fault(at, 'unexpected end')
    if (wants === 'comma') {
      const isObject = open.at(-1) as boolean
      if (byte === 0x2c) wants = isObject ? 'key' : 'value'
      else if (byte === (isObject ? 0x7d : 0x5d)) open.pop()
      else return fault(at, 'unexpected character')
      at = skipSpace(bytes, at + 1)
    } else if (wants === 'key' || wants === 'key or }') {
      if (byte === 0x7d && wants === 'key or }') {
        open.pop()
        wants = 'comma'
        at = skipSpace(bytes, at + 1)
        continue
      }
      if (byte !== 0x22) return fault(at, 'unexpected character')
      const end = skipString(bytes, at)
      if (typeof end !== 'number') return end
      at = skipSpace(bytes, end)
      if (bytes[at] !== 0x3a) return fault(at, at < bytes.length ? 'unexpected character' : 'unexpected end')
      wants = 'value'
      at = skipSpace(bytes, at + 1)
    } else if (byte === 0x7b || byte === 0x5b) {
      open.push(byte === 0x7b)
      wants = byte === 0x7b ? 'key or }' : 'value or ]'
      at = skipSpace(bytes, at + 1)
    } else if (byte === 0x5d && wants === 'value or ]') {
      open.pop()
      wants = 'comma'
      at = skipSpace(bytes, at + 1)
    } else {
      const end = skipScalar(bytes, at, byte)
      if (typeof end !== 'number') return end
      wants = 'comma'
      at = skipSpace(bytes, end)
    }
  }
}

function fault(offset: number, what: JsonFault['what']): JsonFault {
  return { offset, what, afterValue: false }
}

function skipSpace(bytes: Uint8Array, from: number): number {
  let at = from
  for (;;) {
    const byte = bytes[at]
    if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return at
    at++
  }
}

function skipScalar(bytes: Uint8Array, at: number, first: number): number | JsonFault {
  if (first === 0x22) return skipString(bytes, at)
  if (first === 0x74) return skipWord(bytes, at, 'true')
  if (first === 0x66) return skipWord(bytes, at, 'false')
  if (first === 0x6e) return skipWord(bytes, at, 'null')
  if (first === 0x2d || isDigit(first)) return skipNumber(bytes, at)
  return fault(at, 'unexpected character')
}

function skipWord(bytes: Uint8Array, at: number, word: string): number | JsonFault {
  for (let index = 0; index < word.length; index++) {
    const byte = bytes[at + index]
    if (byte === undefined) return fault(at + index, 'unexpected end')
    if (byte !== word.charCodeAt(index)) return fault(at + index, 'unexpected character')
  }
  return at + word.length
}

/** From the opening quote to behind the closing one. */
function skipString(bytes: Uint8Array, start: number): number | JsonFault {
  let at = start + 1
  for (;;) {
    const byte = bytes[at]
    if (byte === undefined) return fault(at, 'unexpected end')
    if (byte === 0x22) return at + 1
    if (byte < 0x20) return fault(at, 'unescaped control character')
    if (byte !== 0x5c) {
      at++
      continue
    }
    const escape = bytes[at + 1]
    if (escape === undefined) return fault(at + 1, 'unexpected end')
    if (escape === 0x75) {
      for (let index = at + 2; index < at + 6; index++) {
        const digit = bytes[index]
        if (digit === undefined) return fault(index, 'unexpected end')
        if (!isHexDigit(digit)) return fault(index, 'bad escape')
      }
      at += 6
    } else if ('"\\/bfnrt'.includes(String.fromCharCode(escape))) at += 2
    else return fault(at + 1, 'bad escape')
  }
}

/** `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?` */
function skipNumber(bytes: Uint8Array, start: number): number | JsonFault {
  const from = bytes[start] === 0x2d ? start + 1 : start
  const first = bytes[from]
  if (first === undefined) return fault(from, 'unexpected end')
  if (!isDigit(first)) return fault(from, 'bad number')
  let at = first === 0x30 ? from + 1 : skipDigits(bytes, from)
  if (isDigit(bytes[at] ?? 0)) return fault(at, 'bad number')
  if (bytes[at] === 0x2e) {
    const end = skipDigits(bytes, at + 1)
    if (end === at + 1) return fault(end, end < bytes.length ? 'bad number' : 'unexpected end')
    at = end
  }
  if (((bytes[at] ?? 0) | 0x20) === 0x65) {
    const sign = bytes[at + 1]
    const exponent = sign === 0x2b || sign === 0x2d ? at + 2 : at + 1
    const end = skipDigits(bytes, exponent)
    if (end === exponent) return fault(end, end < bytes.length ? 'bad number' : 'unexpected end')
    at = end
  }
  return at
}

function skipDigits(bytes: Uint8Array, from: number): number {
  let at = from
  while (isDigit(bytes[at] ?? 0)) at++
  return at
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

function isHexDigit(byte: number): boolean {
  return isDigit(byte) || ((byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x66)
}
