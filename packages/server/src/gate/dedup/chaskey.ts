/*
 * Chaskey (Mouha et al., SAC 2014): a MAC of 32-bit additions, rotations and exclusive-ors, which is what JavaScript does fast.
 *
 *   v = key;  for each block of 16 bytes: v = permute(v ^ block), the last one with a subkey on top, before and behind
 *
 * The last block, when not full, is padded with one bit and zeroes. Words are little-endian.
 */

/** A Chaskey key with its two subkeys, as twelve words. */
export type ChaskeyKey = Int32Array

const rounds = 8

export function chaskeyKey(k0: number, k1: number, k2: number, k3: number): ChaskeyKey {
  const key = new Int32Array(12)
  key.set([k0, k1, k2, k3])
  for (let at = 0; at < 8; at += 4) {
    // Times two in GF(2^128).
    const [a = 0, b = 0, c = 0, d = 0] = key.subarray(at, at + 4)
    key.set(
      [(a << 1) ^ (d >>> 31 === 1 ? 0x87 : 0), (b << 1) | (a >>> 31), (c << 1) | (b >>> 31), (d << 1) | (c >>> 31)],
      at + 4,
    )
  }
  return key
}

/**
 * Writes the tag of the first `length` bytes of `words` (little-endian) into `out` from byte `at` on. `words` MUST have room
 * for one byte more, and its bytes behind `length` are overwritten.
 */
export function chaskey(key: ChaskeyKey, words: Int32Array, length: number, out: Uint8Array, at: number): void {
  const full = length > 0 && (length & 15) === 0
  const blocks = full ? length >>> 4 : (length >>> 4) + 1
  if (!full) {
    // The padding: one bit behind the message, zeroes to the end of the block.
    const word = length >>> 2
    const shift = (length & 3) << 3
    words[word] = ((words[word] as number) & ((1 << shift) - 1)) | (1 << shift)
    for (let i = word + 1; i < blocks << 2; i++) words[i] = 0
  }
  const sub = full ? 4 : 8
  const s0 = key[sub] as number
  const s1 = key[sub + 1] as number
  const s2 = key[sub + 2] as number
  const s3 = key[sub + 3] as number
  let v0 = key[0] as number
  let v1 = key[1] as number
  let v2 = key[2] as number
  let v3 = key[3] as number
  for (let block = 0, i = 0; block < blocks; block++, i += 4) {
    v0 ^= words[i] as number
    v1 ^= words[i + 1] as number
    v2 ^= words[i + 2] as number
    v3 ^= words[i + 3] as number
    if (block === blocks - 1) {
      v0 ^= s0
      v1 ^= s1
      v2 ^= s2
      v3 ^= s3
    }
    for (let round = 0; round < rounds; round++) {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 13) | (v3 >>> 19)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 7) | (v1 >>> 25)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
  }
  writeWord(out, at, v0 ^ s0)
  writeWord(out, at + 4, v1 ^ s1)
  writeWord(out, at + 8, v2 ^ s2)
  writeWord(out, at + 12, v3 ^ s3)
}

function writeWord(out: Uint8Array, at: number, word: number): void {
  out[at] = word
  out[at + 1] = word >>> 8
  out[at + 2] = word >>> 16
  out[at + 3] = word >>> 24
}
