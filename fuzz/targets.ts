import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { columns as allColumns, type EventColumns } from '@millrace/protocol'
import { createTurns } from '../packages/server/src/core/bounded.ts'
import { dialects } from '../packages/server/src/decoders/registry.ts'
import { sources } from '../packages/server/src/sources/sources.ts'
import { inflateBody } from '../packages/server/src/http/inflate.ts'
import type { Random } from './random.ts'

/** What is fuzzed: a corpus of good inputs, and what runs on each mutated one. */
export interface Target {
  readonly name: string
  corpus(): readonly Buffer[]
  /** Throws a PipelineError when it refuses, and anything else only when it is broken. */
  run(body: Buffer, random: Random): unknown
}

const testdata = join(import.meta.dirname, '../packages/server/src/decoders/testdata')
const contentTypes = [
  'application/json',
  'application/x-ndjson',
  'application/x-protobuf',
  'text/plain',
  '',
  'APPLICATION/JSON; charset=utf-8',
  ';',
]

const decoders: readonly Target[] = dialects.map(({ name, decode }) => {
  const kinds = [
    ...new Set(sources.flatMap((source) => (source.name === name ? source.routes.map(({ kind }) => kind) : []))),
  ]
  return {
    name,
    corpus: () => goldenInputs(name),
    run(body, random) {
      const kind = random.pick(kinds)
      const before = body.length <= 4096 ? Buffer.from(body) : undefined
      const { events } = decode(body, { headers: {}, kind, contentType: random.pick(contentTypes) })
      if (before?.equals(body) === false) throw new Error('the decoder changed the body')
      for (const { columns, issues } of events) {
        checkColumns(columns)
        for (const issue of issues ?? [])
          if (!/^(\/[^:]*)?: /.test(issue)) throw new Error('an issue without a pointer')
      }
    },
  }
})

const encodings = ['gzip', 'deflate', 'br', 'zstd'] as const

const inflate: Target = {
  name: 'inflate',
  corpus() {
    const bodies = [...goldenInputs('segment').slice(0, 6), Buffer.alloc(3_000_000)]
    return bodies.flatMap((body) => [
      gzipSync(body),
      deflateSync(body),
      deflateRawSync(body),
      brotliCompressSync(body, { params: {} }),
      zstdCompressSync(body),
    ])
  },
  run: (body, random) => inflateBody(random.pick(encodings), body, 1_000_000, createTurns(2)),
}

/** Fails on purpose, to show that each kind of failure is seen: `--only planted`. */
const planted: Target = {
  name: 'planted',
  corpus: () => [Buffer.from('{"a":1}')],
  run(_body, random) {
    const choice = random.below(4000)
    if (choice === 0) throw new TypeError('planted')
    if (choice === 1) for (const end = Date.now() + 1200; Date.now() < end; ) {}
    if (choice === 2) for (;;) {}
    if (choice === 3) for (const hoard: unknown[] = []; ; ) hoard.push(new Array(1e6).fill(choice))
  },
}

export const targets: readonly Target[] = [...decoders, inflate, planted]

function goldenInputs(name: string): readonly Buffer[] {
  const folder = join(testdata, name)
  return readdirSync(folder)
    .filter((file) => /\.in\.\w+$/.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file)))
}

const kinds = new Map(allColumns.map((column) => [column.name as string, column.kind]))

function checkColumns(columns: EventColumns): void {
  for (const [name, value] of Object.entries(columns)) {
    if (value !== undefined && !isOfKind(kinds.get(name), value))
      throw new Error(`column ${name} holds a ${typeof value}`)
  }
}

function isOfKind(kind: string | undefined, value: unknown): boolean {
  switch (kind) {
    case 'string':
    case 'enum':
      return typeof value === 'string' && value.isWellFormed()
    case 'number':
      // An infinity of the body comes with an issue; the gate does not store it.
      return typeof value === 'number'
    case 'timestamp':
      return Number.isFinite(value)
    case 'json':
      return typeof value === 'object' && value !== null && !Array.isArray(value)
    case 'bytes':
      return value instanceof Uint8Array
    case 'jsonText':
      return true
    case 'boolean':
    case 'bigint':
      return typeof value === kind
    case undefined:
      break
  }
  return false
}
