import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chaskey, chaskeyKey } from './chaskey.ts'
import { createFingerprint } from './fingerprint.ts'

const secret = Uint8Array.from({ length: 16 }, (_, i) => i * 7 + 1)

function hex(fingerprint: ReturnType<typeof createFingerprint>, project: string, id: string): string {
  const out = new Uint8Array(16)
  fingerprint(project, id, out, 0)
  return Buffer.from(out).toString('hex')
}

describe('chaskey', () => {
  it('gives the tags that its authors published', () => {
    // Message: the bytes 0, 1, 2 …; by length.
    const published: Record<number, readonly number[]> = {
      0: [0x792e8fe5, 0x75ce87aa, 0x2d1450b5, 0x1191970b],
      1: [0x13a9307b, 0x50e62c89, 0x4577bd88, 0xc0bbdc18],
      2: [0x55df8922, 0x2c7ff577, 0x73809ef4, 0x4e5084c0],
      3: [0x1bdbb264, 0xa07680d8, 0x8e5b2ab8, 0x20660413],
      15: [0x51b94da4, 0xefcc4de8, 0x192412ea, 0xbbc170dd],
      16: [0x79271ca9, 0xd66a1c71, 0x81ca474e, 0x49831cad],
      17: [0x048da968, 0x4e25d096, 0x2d6cf897, 0xbc3959ca],
      31: [0xbbdd0c2d, 0xfab6fcd9, 0xdccc080e, 0x9f04b41f],
      32: [0x60b3f7af, 0x37eee7c8, 0x836cfd98, 0x782ca060],
      33: [0xdf44ea33, 0xb0b2c398, 0x0583ce6f, 0x846d823e],
      63: [0x9047fad7, 0x88136d8c, 0xa488286b, 0x7fe9352c],
    }
    const key = chaskeyKey(0x833d3433, 0x009f389f, 0x2398e64f, 0x417acf39)
    for (const [length, tag] of Object.entries(published)) {
      const words = new Int32Array(20)
      const bytes = new Uint8Array(words.buffer)
      for (let i = 0; i < 64; i++) bytes[i] = i
      const out = new Uint8Array(20)
      chaskey(key, words, Number(length), out, 4)
      expect([...new Uint32Array(out.buffer, 4)], `length ${length}`).toEqual(tag)
    }
  })
})

describe('the fingerprint', () => {
  it('is the same for the same project and id, from any instance with the key, in any order of calls', () => {
    const one = createFingerprint(secret)
    const other = createFingerprint(secret)
    hex(other, 'q', 'something else that is longer than the id')
    hex(other, 'p', 'ж'.repeat(300))
    for (const id of ['a', 'order-17', 'é', 'ключ', '🔑', 'x'.repeat(256), 'ж'.repeat(256)]) {
      expect(hex(one, 'p', id)).toBe(hex(other, 'p', id))
    }
  })

  it('never changes: the log and the files keep it for weeks', () => {
    const fingerprint = createFingerprint(secret)
    expect(hex(fingerprint, 'default', '0196f1c2-7f0e-7c3a-9d57-6f0b8d1c2a3e')).toMatchInlineSnapshot(
      `"8afb948564465da009fa8af16b029268"`,
    )
    expect(hex(fingerprint, 'default', 'ключ-🔑')).toMatchInlineSnapshot(`"568d9d1a519f269cd9b936f992358745"`)
  })

  it('differs when key, project or id differ, also where their texts join to the same', () => {
    const fingerprint = createFingerprint(secret)
    const pairs = [
      ['ab', 'c'],
      ['a', 'bc'],
      ['abc', ''],
      ['', 'abc'],
      ['a', 'b\0c'],
      ['a\0b', 'c'],
      ['p', 'é'],
      ['p', 'Ã©'],
      ['p', 'e\u0301'],
      ['p', 'a\0'],
      ['p', 'a'],
      ['p', 'aĀ'],
      ['p', '\u0100a'],
      ['p', '\0\x01a\0'],
      ['P', 'a'],
    ] as const
    const seen = new Set(pairs.map(([project, id]) => hex(fingerprint, project, id)))
    expect(seen.size).toBe(pairs.length)
    expect(hex(createFingerprint(secret.map((byte) => byte ^ 1)), 'p', 'a')).not.toBe(hex(fingerprint, 'p', 'a'))
  })

  it('keeps any two different pairs apart', () => {
    const fingerprint = createFingerprint(secret)
    const pair = fc.tuple(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }))
    fc.assert(
      fc.property(pair, pair, (a, b) => {
        const isSame = a[0] === b[0] && a[1] === b[1]
        return (hex(fingerprint, ...a) === hex(fingerprint, ...b)) === isSame
      }),
      { numRuns: 500 },
    )
  })

  it('spreads serial ids over all bits', () => {
    const fingerprint = createFingerprint(secret)
    const ones = new Array<number>(128).fill(0)
    const out = new Uint8Array(16)
    const ids = 4000
    for (let i = 0; i < ids; i++) {
      fingerprint('default', `order-${i}`, out, 0)
      for (let bit = 0; bit < 128; bit++) ones[bit]! += (out[bit >>> 3]! >>> (bit & 7)) & 1
    }
    for (const count of ones) expect(Math.abs(count - ids / 2)).toBeLessThan(6 * Math.sqrt(ids / 4))
  })

  it('writes only its 16 bytes, wherever it is told to', () => {
    const out = new Uint8Array(40).fill(7)
    createFingerprint(secret)('p', 'a', out, 11)
    expect(Buffer.from(out.subarray(11, 27)).toString('hex')).toBe(hex(createFingerprint(secret), 'p', 'a'))
    expect([...out.subarray(0, 11), ...out.subarray(27)].every((byte) => byte === 7)).toBe(true)
  })

  it('serves more projects than it remembers', () => {
    const fingerprint = createFingerprint(secret)
    const first = hex(fingerprint, 'project 0', 'a')
    for (let i = 0; i < 1500; i++) hex(fingerprint, `project ${i}`, 'a')
    expect(hex(fingerprint, 'project 0', 'a')).toBe(first)
  })
})
