import * as zlib from 'node:zlib'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTurns } from '../core/bounded.ts'
import { PipelineError } from '../core/errors.ts'
import { type Encoding, encodingOf, inflateBody } from './inflate.ts'

const compress: Readonly<Record<Exclude<Encoding, 'identity'>, (plain: Buffer) => Buffer>> = {
  gzip: (plain) => zlib.gzipSync(plain),
  deflate: (plain) => zlib.deflateSync(plain),
  br: (plain) => zlib.brotliCompressSync(plain, { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: (plain) => zlib.zstdCompressSync(plain),
}
const encodings = Object.keys(compress) as (keyof typeof compress)[]
const maxBytes = 20e6

function inflate(encoding: Encoding, wire: Buffer, limit = maxBytes): Promise<Buffer> {
  return inflateBody(encoding, wire, limit, createTurns(2))
}

async function refusal(promise: Promise<unknown>): Promise<PipelineError> {
  const error: unknown = await promise.then(
    () => new Error('was not refused'),
    (reason: unknown) => reason,
  )
  if (!(error instanceof PipelineError)) throw error
  return error
}

/** Poorly compressible JSON, so that its wire form is large too. */
function events(bytes: number): Buffer {
  const parts: string[] = []
  for (let size = 0, i = 0; size < bytes; i++) {
    const part = `{"id":${i},"v":"${Math.imul(i, 2654435761).toString(36)}"}\n`
    parts.push(part)
    size += part.length
  }
  return Buffer.from(parts.join(''))
}

describe('encodingOf', () => {
  it('knows every encoding of the contract, in any case', () => {
    for (const header of [undefined, '', 'identity', 'Identity', ' identity , identity'])
      expect(encodingOf(header)).toBe('identity')
    for (const header of ['gzip', 'GZIP', 'x-gzip', ' gzip ', 'identity, gzip']) expect(encodingOf(header)).toBe('gzip')
    for (const header of ['deflate', 'br', 'zstd', 'Zstd']) expect(encodingOf(header)).toBe(header.toLowerCase())
  })

  it('refuses unknown and stacked encodings and says what is accepted', () => {
    for (const header of ['lzma', 'gzip, gzip', 'gzip,br', 'x'.repeat(5000)]) {
      let error: unknown
      try {
        encodingOf(header)
      } catch (thrown) {
        error = thrown
      }
      expect(error).toMatchObject({
        code: 'unsupported_media_type',
        details: { acceptEncoding: expect.stringContaining('zstd') },
      })
      expect((error as Error).message.length).toBeLessThan(200)
    }
  })
})

describe.each(encodings)('%s', (encoding) => {
  it('gives back what was compressed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), async (bytes) => {
        const plain = Buffer.from(bytes)
        expect((await inflate(encoding, compress[encoding](plain))).equals(plain)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  it('gives back bodies that are inflated off the event loop', async () => {
    const plain = events(3e6)
    expect((await inflate(encoding, compress[encoding](plain))).equals(plain)).toBe(true)
  })

  it('refuses a body cut anywhere as malformed', async () => {
    const wire = compress[encoding](events(3000))
    for (let length = 1; length < wire.length; length += 7) {
      expect((await refusal(inflate(encoding, wire.subarray(0, length)))).code).toBe('malformed')
    }
  })

  it('refuses plain JSON as malformed and says why', async () => {
    const error = await refusal(inflate(encoding, Buffer.from('{"event":"x"}')))
    expect(error).toMatchObject({ code: 'malformed', message: expect.stringContaining('plain JSON') })
  })

  it('refuses bytes after the end instead of dropping them', async () => {
    for (const plain of [events(100), events(2e6)]) {
      const wire = Buffer.concat([compress[encoding](plain), Buffer.from('garbage')])
      expect((await refusal(inflate(encoding, wire))).code).toBe('malformed')
    }
  })

  it('takes exactly the limit and refuses one byte more', async () => {
    for (const size of [100_000, 3_000_000]) {
      const wire = compress[encoding](Buffer.alloc(size, 32))
      expect((await inflate(encoding, wire, size)).length).toBe(size)
      expect((await refusal(inflate(encoding, wire, size - 1))).code).toBe('too_large')
    }
  })

  it('survives any bytes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 300 }), async (bytes) => {
        const error = await inflate(encoding, Buffer.from(bytes)).catch((reason: unknown) => reason)
        expect(error instanceof PipelineError || Buffer.isBuffer(error)).toBe(true)
      }),
      { numRuns: 100 },
    )
  })
})

it('takes zeros after a gzip stream for padding, as gzip does', async () => {
  for (const plain of [events(100), events(2e6)]) {
    const wire = Buffer.concat([zlib.gzipSync(plain), Buffer.alloc(512)])
    expect((await inflate('gzip', wire)).equals(plain)).toBe(true)
    const spoilt = Buffer.concat([wire, Buffer.from('x')])
    expect((await refusal(inflate('gzip', spoilt))).code).toBe('malformed')
  }
})

it('joins gzip members and zstd frames', async () => {
  const parts = [events(200), events(2e6), events(50)]
  for (const encoding of ['gzip', 'zstd'] as const) {
    const wire = Buffer.concat(parts.map((part) => compress[encoding](part)))
    expect((await inflate(encoding, wire)).equals(Buffer.concat(parts))).toBe(true)
    expect((await refusal(inflate(encoding, wire, 1e6))).code).toBe('too_large')
  }
})

it('refuses zstd frames without number', async () => {
  const empty = zlib.zstdCompressSync(Buffer.alloc(0))
  const wire = Buffer.concat(Array.from({ length: 2000 }, () => empty))
  expect((await refusal(inflate('zstd', wire))).message).toContain('frames')
})

it('takes deflate with and without its wrapper', async () => {
  const plain = events(500)
  expect((await inflate('deflate', zlib.deflateRawSync(plain))).equals(plain)).toBe(true)
})

it('keeps memory bounded however large a bomb claims to be', async () => {
  const zeros = Buffer.alloc(64e6)
  const bombs: [Encoding, Buffer][] = encodings.map((encoding) => [encoding, compress[encoding](zeros)])
  const before = process.memoryUsage.rss() - 64e6
  const turns = createTurns(2)
  const refused = await Promise.all(
    bombs.flatMap(([encoding, wire]) =>
      Array.from({ length: 5 }, () => refusal(inflateBody(encoding, wire, maxBytes, turns)).then(({ code }) => code)),
    ),
  )
  expect(new Set(refused)).toEqual(new Set(['too_large']))
  expect(process.memoryUsage.rss() - before).toBeLessThan(400e6)
})
