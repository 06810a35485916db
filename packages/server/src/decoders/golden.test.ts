import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import type { DecodeContext } from './decode.ts'
import { dialects } from './registry.ts'

/**
 * `testdata/<dialect>/<case>.in.<json|ndjson|bin>` → `<case>.out.json`. The route's word is what precedes the first dot of a
 * case's name when there is one: `track.zeros.in.json`. `<case>.cx.json`, where one is, has what the decoder knows beside the body
 * (headers, query, contentType). `UPDATE_GOLDEN=1` rewrites the outputs: read the diff.
 */
const folder = join(import.meta.dirname, 'testdata')
const contentTypes: Readonly<Record<string, string>> = {
  json: 'application/json',
  ndjson: 'application/x-ndjson',
  bin: 'application/x-protobuf',
  txt: 'text/plain',
  form: 'application/x-www-form-urlencoded',
}

for (const dialect of dialects) {
  describe(`golden files of ${dialect.name}`, () => {
    const own = join(folder, dialect.name)
    const inputs = existsSync(own) ? readdirSync(own).filter((name) => /\.in\.\w+$/.test(name)) : []
    it('has some, each with an output of its own', () => {
      expect(inputs.length).toBeGreaterThan(0)
      expect(new Set(inputs.map((name) => name.split('.in.')[0])).size).toBe(inputs.length)
    })
    for (const input of inputs) {
      it(input, () => {
        const [name = '', extension = ''] = input.split('.in.')
        const output = join(folder, dialect.name, `${name}.out.json`)
        const body = readFileSync(join(folder, dialect.name, input))
        const contentType = contentTypes[extension] ?? ''
        const beside = join(folder, dialect.name, `${name}.cx.json`)
        const more = existsSync(beside) ? (JSON.parse(readFileSync(beside, 'utf8')) as Partial<DecodeContext>) : {}
        const cx: DecodeContext = { headers: {}, kind: name.split('.')[0] ?? '', contentType, ...more }
        const before = Buffer.from(body)
        const actual = `${JSON.stringify(decodeToPlain(dialect.decode, body, cx), plain, 2)}\n`
        expect(before.equals(body), 'the body is left as it was').toBe(true)
        if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(output, actual)
        else if (!existsSync(output)) throw new Error(`no ${output}; make it with UPDATE_GOLDEN=1`)
        expect(actual).toBe(readFileSync(output, 'utf8'))
      })
    }
  })
}

/** Events without their originals, which are the input again; a refusal as its code and message. */
function decodeToPlain(decode: (typeof dialects)[number]['decode'], body: Uint8Array, cx: DecodeContext): unknown {
  try {
    const { events, ...facts } = decode(body, cx)
    return { ...facts, events: events.map(({ columns, issues }) => ({ columns, ...(issues && { issues }) })) }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { refused: error.code, message: error.message }
  }
}

/** Memory types that JSON does not have, made visible. */
function plain(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `bigint ${value}`
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('hex')}`
  return value
}
