import type { Random } from './random.ts'

/** Bodies grow to this at most: an input must not be slow just for its size. */
const maxBytes = 2_000_000

const numbers = [
  '0',
  '-0',
  '-1',
  '1e400',
  '-1e400',
  '1e-400',
  '9007199254740993',
  '18446744073709551616',
  '9'.repeat(400),
  '0.1e1',
  '1E+2',
  '01',
  '-',
  '1.',
  '.5',
  '1767225600',
  '1767225600000',
  '253402300800000',
  'NaN',
  'Infinity',
]
const texts = [
  '""',
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\ud83d\\ude00"',
  '"__proto__"',
  '"constructor"',
  '"\\x"',
  '"\\u12"',
  '"2026-01-01T00:00:00Z"',
  '"2026-02-30T00:00:00Z"',
  '"9999-12-31T23:59:59.999999999+23:59"',
  `"${'x'.repeat(70_000)}"`,
  '"\t"',
  '"LCP"',
  '"track"',
]
const values = [
  '{}',
  '[]',
  'null',
  'true',
  '[[[[]]]]',
  '{"a":{"a":{"a":{}}}}',
  '{"__proto__":{"x":1}}',
  '{"constructor":{"prototype":{"x":1}}}',
  '{"":0}',
  '{"a":1,"a":2}',
  '{"toString":null,"valueOf":1,"hasOwnProperty":2,"length":-1}',
]
const invalidUtf8 = [
  [0xff],
  [0xc3],
  [0xc0, 0x80],
  [0xed, 0xa0, 0x80],
  [0xf4, 0x90, 0x80, 0x80],
  [0xe2, 0x82],
  [0x80],
  [0xef, 0xbb, 0xbf],
  [0xff, 0xfe],
]
const varints = [
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
  [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00],
  [0x80, 0x00],
  [0x0b],
  [0x0c],
  [0x32, 0x00],
  [0xff, 0xff, 0xff, 0x7f],
]

type Mutation = (body: Buffer, random: Random, corpus: readonly Buffer[]) => Buffer

const mutations: readonly Mutation[] = [
  function flipBits(body, random) {
    const copy = Buffer.from(body)
    for (let count = 1 + random.below(8); count > 0 && copy.length > 0; count--) {
      const at = random.below(copy.length)
      copy[at] = (copy[at] as number) ^ (1 << random.below(8))
    }
    return copy
  },
  function truncate(body, random) {
    return body.subarray(0, random.below(body.length + 1))
  },
  function cutOut(body, random) {
    const [from, to] = range(body, random)
    return Buffer.concat([body.subarray(0, from), body.subarray(to)])
  },
  function repeat(body, random) {
    const [from, to] = range(body, random)
    const times = Math.min(1 + random.below(random.pick([2, 10, 1000])), Math.floor(maxBytes / (to - from + 1)))
    return Buffer.concat([
      body.subarray(0, to),
      ...Array.from({ length: times }, () => body.subarray(from, to)),
      body.subarray(to),
    ])
  },
  function splice(body, random, corpus) {
    const other = random.pick(corpus)
    const [from, to] = range(other, random)
    return insert(body, random, other.subarray(from, to))
  },
  function join(body, random, corpus) {
    return Buffer.concat([
      body.subarray(0, random.below(body.length + 1)),
      random.pick(corpus).subarray(random.below(body.length + 1)),
    ])
  },
  function insertJson(body, random) {
    return insert(body, random, Buffer.from(random.pick(random.pick([numbers, texts, values]))))
  },
  function replaceValue(body, random) {
    return replaceToken(body, random, random.pick(random.pick([numbers, texts, values])))
  },
  function replaceKey(body, random) {
    const text = body.toString('latin1')
    const keys = [...text.matchAll(/"[^"\\]{0,40}"\s*:/g)]
    if (keys.length === 0) return body
    const key = random.pick(keys)
    const name = random.pick([
      '"__proto__":',
      '"constructor":',
      '"toString":',
      '"":',
      '"a":',
      '"events":',
      '"batch":',
      '"type":',
    ])
    return Buffer.from(text.slice(0, key.index) + name + text.slice(key.index + key[0].length), 'latin1')
  },
  function nest(body, random) {
    const depth = random.pick([10, 90, 101, 1000, 10_000, 100_000])
    const [open, close] = random.pick([
      ['[', ']'],
      ['{"a":', '}'],
      ['[{"events":', '}]'],
    ] as const)
    const times = Math.min(depth, Math.floor(maxBytes / (open.length + close.length)))
    return replaceToken(
      body,
      random,
      open.repeat(times) + random.pick(['0', '', 'null']) + (random.below(3) === 0 ? '' : close.repeat(times)),
    )
  },
  function insertBytes(body, random) {
    return insert(body, random, Buffer.from(random.pick(random.pick([invalidUtf8, varints]))))
  },
  function insertNoise(body, random) {
    return insert(body, random, Buffer.from(Array.from({ length: 1 + random.below(20) }, () => random.below(256))))
  },
  function setByte(body, random) {
    const copy = Buffer.from(body)
    if (copy.length > 0)
      copy[random.below(copy.length)] = random.pick([
        0x00, 0x0a, 0x22, 0x5c, 0x7b, 0x7d, 0x5b, 0x5d, 0x2c, 0x3a, 0x7f, 0x80, 0xff, 0x32,
      ])
    return copy
  },
]

/** One to five mutations of an input of the corpus; the same random numbers give the same bytes. */
export function mutate(corpus: readonly Buffer[], random: Random): Buffer {
  let body = random.pick(corpus)
  for (let count = 1 + random.below(5); count > 0; count--) {
    const next = random.pick(mutations)(body, random, corpus)
    if (next.length <= maxBytes) body = next
  }
  return body
}

function range(body: Buffer, random: Random): [number, number] {
  const from = random.below(body.length + 1)
  return [from, Math.min(body.length, from + 1 + random.below(random.pick([4, 64, 4096])))]
}

function insert(body: Buffer, random: Random, piece: Buffer): Buffer {
  const at = random.below(body.length + 1)
  return Buffer.concat([body.subarray(0, at), piece, body.subarray(at)])
}

/** A number, string or word of the JSON, wherever one is; bytes that are no JSON get it anywhere. */
function replaceToken(body: Buffer, random: Random, token: string): Buffer {
  const text = body.toString('latin1')
  const tokens = [
    ...text.slice(0, 100_000).matchAll(/"(?:[^"\\]|\\.){0,80}"(?!\s*:)|-?\d[\d.eE+-]*|true|false|null|\{\}|\[\]/g),
  ]
  if (tokens.length === 0) return insert(body, random, Buffer.from(token))
  const found = random.pick(tokens)
  return Buffer.concat([
    body.subarray(0, found.index),
    Buffer.from(token),
    body.subarray(found.index + found[0].length),
  ])
}
