import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import { NotJsonError, parseJsonBytes, validUtf8Length } from './json.ts'
import { findJsonFault } from './json-error.ts'
import { maxJsonDepth } from './json-scan.ts'

const bytes = (text: string) => Buffer.from(text, 'utf8')
const parse = (text: string) => parseJsonBytes(bytes(text)).value

function refusal(body: Uint8Array): PipelineError {
  try {
    parseJsonBytes(body)
  } catch (error) {
    if (error instanceof PipelineError) return error
    throw error
  }
  throw new Error('it was accepted')
}

describe('JSON bodies', () => {
  it('gives what JSON.parse gives', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), (value) => {
        const text = JSON.stringify(value)
        // Doubles of 17 and more digits read as integers are bigint here: see below.
        fc.pre(!/[0-9]{16}/.test(text))
        expect(parse(text)).toEqual(JSON.parse(text))
        expect(parse(JSON.stringify(value, null, 2))).toEqual(JSON.parse(text))
      }),
    )
  })

  it('refuses every proper beginning of a document as malformed, at its end', () => {
    const whole = bytes('{"a":[1,-2.5e+3,"x\\u00e4\\n",true,null,{"b":{}}],"c":"ä"}')
    for (let length = 0; length < whole.length; length++) {
      const error = refusal(whole.subarray(0, length))
      expect(error.code).toBe('malformed')
      const cutCharacter = whole.subarray(0, length).at(-1) === 0xc3
      expect(error.details['offset']).toBe(cutCharacter ? length - 1 : length)
    }
  })

  it('names the byte of a fault, counting bytes and not characters', () => {
    expect(refusal(bytes('{"ä":x}')).message).toBe('the body is not JSON: unexpected character at byte 6')
    expect(refusal(bytes('{"a":"\u0000"}')).message).toBe('the body is not JSON: unescaped control character at byte 6')
    expect(refusal(bytes('{"a":"\\x"}')).message).toBe('the body is not JSON: bad escape at byte 7')
    expect(refusal(bytes('{"a":01}')).message).toBe('the body is not JSON: bad number at byte 6')
    expect(refusal(bytes('[1,]')).message).toBe('the body is not JSON: unexpected character at byte 3')
  })

  it('finds a fault in exactly the documents that JSON.parse refuses', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '1',
      '-',
      '0',
      '.',
      'e',
      '+',
      'true',
      'null',
      '\\',
      ' ',
      '\n',
      '\t',
      'u00e4',
      '\u0001',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const text = pieces.join('')
        let isJson = true
        try {
          JSON.parse(text)
        } catch {
          isJson = false
        }
        expect(findJsonFault(bytes(text)) === undefined).toBe(isJson)
      }),
      { numRuns: 5000 },
    )
  })

  it('never shows the text: neither in the message nor in the cause', () => {
    const error = refusal(bytes('{"email":"ada@example.com",oops}'))
    expect(`${error.message} ${JSON.stringify(error.details)} ${String(error.cause)}`).not.toContain('ada')
  })

  it('tells a second value from a broken first one', () => {
    const fault = (text: string) => (refusal(bytes(text)) as NotJsonError).fault.afterValue
    expect(fault('{"a":1}\n{"a":2}')).toBe(true)
    expect(fault('{"a":1\n{"a":2}')).toBe(false)
  })

  it('skips a byte order mark, and counts it in offsets', () => {
    expect(parse('\ufeff{"a":1}')).toEqual({ a: 1 })
    expect(refusal(bytes('\ufeff{"a":x}')).details['offset']).toBe(8)
  })

  it('keeps integers of 64 bits exact, and leaves fractions and small ones numbers', () => {
    expect(parse('[9007199254740993,-9223372036854775808,18446744073709551615]')).toEqual([
      9007199254740993n,
      -9223372036854775808n,
      18446744073709551615n,
    ])
    expect(parse('[9007199254740991,0.12345678901234567890,1e20,"9007199254740993",{"9007199254740993":1}]')).toEqual([
      9007199254740991,
      0.12345678901234568,
      1e20,
      '9007199254740993',
      { '9007199254740993': 1 },
    ])
  })

  it('keeps them exact wherever they stand, among strings and pairs that look like its marks', () => {
    expect(
      parse(
        '{"a":-9007199254740993,"__proto__":9007199254740993 ,"s":"9007199254740993","\ud800\udc001":[9007199254740993]}',
      ),
    ).toEqual(
      Object.fromEntries([
        ['a', -9007199254740993n],
        ['__proto__', 9007199254740993n],
        ['s', '9007199254740993'],
        ['\ud800\udc001', [9007199254740993n]],
      ]),
    )
    expect(parse('["\\ud8001","\\ud800\\udc00",9007199254740993]')).toEqual([
      '\ufffd1',
      '\ud800\udc00',
      9007199254740993n,
    ])
    expect(parse('9007199254740993')).toBe(9007199254740993n)
  })

  it('refuses what only the marks would make JSON', () => {
    for (const text of [
      '{9007199254740993:1}',
      '{9007199254740993 :1}',
      '[09007199254740993]',
      '[-09007199254740993]',
      '--9007199254740993',
      '9007199254740993.',
      '["a"9007199254740993]',
      '[9007199254740993-1]',
      '[9007199254740993e]',
    ]) {
      expect(refusal(bytes(text)).code, text).toBe('malformed')
    }
  })

  it('parses as the engine and its reviver would, any text with long digits', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '9007199254740993',
      '18446744073709551615',
      '1'.repeat(60),
      '0',
      '-',
      '.',
      'e',
      ' ',
      '"a":',
      '"\\',
      '\\"',
    )
    const viaReviver = (text: string): unknown => {
      try {
        return JSON.parse(text, (_key, value: unknown, cx?: { source?: string }) =>
          typeof value === 'number' &&
          !Number.isSafeInteger(value) &&
          /^-?\d+$/.test(cx?.source ?? '') &&
          (cx?.source ?? '').length <= 100
            ? BigInt(cx?.source ?? '')
            : value,
        )
      } catch {
        return 'refused'
      }
    }
    const viaMarks = (text: string): unknown => {
      try {
        return parse(text)
      } catch {
        return 'refused'
      }
    }
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 9 }), (pieces) => {
        const text = pieces.join('')
        expect(viaMarks(text)).toEqual(viaReviver(text))
      }),
      { numRuns: 5000 },
    )
  })

  it('says when a number is beyond all doubles', () => {
    expect(parseJsonBytes(bytes('{"a":1e400}')).mayHaveInfinite).toBe(true)
    expect(parseJsonBytes(bytes(`{"a":${'9'.repeat(400)}}`)).mayHaveInfinite).toBe(true)
    expect(parseJsonBytes(bytes('{"a":"1e400","b":12.5}')).mayHaveInfinite).toBe(false)
  })

  it('takes a million digits without effort', () => {
    expect(parse(`[${'9'.repeat(1_000_000)}]`)).toEqual([Infinity])
  })

  it(`takes ${maxJsonDepth} levels and refuses one more, and ten thousand, and a million`, () => {
    const nested = (depth: number) => bytes('['.repeat(depth) + ']'.repeat(depth))
    expect(() => parseJsonBytes(nested(maxJsonDepth))).not.toThrow()
    for (const depth of [maxJsonDepth + 1, 10_000, 1_000_000]) {
      expect(refusal(nested(depth)).message).toBe(
        `the body is nested deeper than ${maxJsonDepth} levels at byte ${maxJsonDepth}; flatten it`,
      )
    }
    expect(refusal(bytes('{"a":'.repeat(10_000))).code).toBe('malformed')
  })

  it('does not take brackets within strings for nesting', () => {
    expect(parse(JSON.stringify('[{\\"'.repeat(1000)))).toBe('[{\\"'.repeat(1000))
  })

  it('takes the last of duplicate keys', () => {
    expect(parse('{"a":1,"a":2}')).toEqual({ a: 2 })
  })

  it('leaves __proto__ a key like any other', () => {
    const value = parse('{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}') as object
    expect(Object.keys(value)).toEqual(['__proto__', 'constructor'])
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('keeps escaped NULs and turns lone surrogates into U+FFFD', () => {
    expect(parse('"a\\u0000b"')).toBe('a\0b')
    expect(parse('["\\ud83d","\\ude00x","\\ud83d\\ude00","\\ud83d\\ud83d\\ude00","\\\\ud83d","\\uDbFf"]')).toEqual([
      '\ufffd',
      '\ufffdx',
      '😀',
      '\ufffd😀',
      '\\ud83d',
      '\ufffd',
    ])
  })

  it('gives well-formed strings for any escapes', () => {
    const unit = fc.oneof(fc.constantFrom('\\ud800', '\\udfff', '\\\\', '\\u0041', 'ud800', '\\n'), fc.constant('x'))
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 10 }), (units) => {
        const text = `"${units.join('')}"`
        expect(parse(text)).toBe((JSON.parse(text) as string).toWellFormed())
      }),
    )
  })
})

describe('UTF-8', () => {
  it('is refused with the offset of its first invalid byte', () => {
    const error = refusal(Buffer.concat([bytes('{"ä":"'), Buffer.from([0xff]), bytes('"}')]))
    expect(error.message).toBe('the body is not UTF-8: invalid byte at 7; send JSON as UTF-8')
  })

  it('is valid exactly as far as a fatal decoder says', () => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const isValid = (part: Uint8Array) => {
      try {
        decoder.decode(part)
        return true
      } catch {
        return false
      }
    }
    const byte = fc.constantFrom(
      0x41,
      0x80,
      0xbf,
      0xc1,
      0xc3,
      0xa9,
      0xe0,
      0xa0,
      0xed,
      0xef,
      0x90,
      0xf0,
      0xf4,
      0x8f,
      0xf5,
      0xff,
    )
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 8 }), (list) => {
        const body = Uint8Array.from(list)
        const length = validUtf8Length(body)
        expect(isValid(body.subarray(0, length))).toBe(true)
        expect(length === body.length).toBe(isValid(body))
        for (let end = length + 1; end <= body.length; end++) expect(isValid(body.subarray(0, end))).toBe(false)
      }),
      { numRuns: 3000 },
    )
  })
})

it('takes digits behind a decimal point for a double, however many, and still finds what no double holds', () => {
  const text = '{"a":7.9000000003725290298461914,"b":[0.08812174479166668,12345678901234567.5],"c":-1.5e-400}'
  expect(parseJsonBytes(Buffer.from(text)).value).toEqual(JSON.parse(text))
  expect(parseJsonBytes(Buffer.from('[1.5,12345678901234567890]')).value).toEqual([1.5, 12345678901234567890n])
  expect(parseJsonBytes(Buffer.from('[1.25e400]')).mayHaveInfinite).toBe(true)
})
