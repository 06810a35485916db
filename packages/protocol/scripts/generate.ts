import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { columns } from '../src/columns/columns.ts'
import { removedColumns } from '../src/columns/registry.ts'
import { columnsPage } from '../src/columns-page.ts'
import { eventJsonSchema } from '../src/json-schema.ts'
import { recommendationSchemas } from '../src/recommendations.ts'
import { recordProto } from '../src/record/proto-text.ts'

/*
 * Writes everything that is derived from the columns and from browser.proto:
 *
 *   node packages/protocol/scripts/generate.ts
 *
 * columns.lock.json only grows: a column that changed its number or kind, or one that vanished, is an error.
 */
const root = fileURLToPath(new URL('../../..', import.meta.url))
const protocol = join(root, 'packages/protocol')

/** Path from the repository's root → content. */
export function generated(): ReadonlyMap<string, string> {
  return new Map([
    ['packages/protocol/proto/millrace/v1/record.proto', recordProto()],
    ['packages/protocol/schema/event.schema.gen.json', `${JSON.stringify(eventJsonSchema(), null, 2)}\n`],
    ['packages/protocol/columns.lock.json', lock()],
    ['docs/guide/columns.md', columnsPage()],
    ...recommendations(),
    ...browserCodec(),
    ...otlpCodec(),
  ])
}

function recommendations(): [string, string][] {
  return Object.entries(recommendationSchemas).map(([name, schema]) => [
    `schemas/events/${name}.schema.json`,
    `${JSON.stringify(schema, null, 2)}\n`,
  ])
}

/** name → number and kind of every column there ever was; throws rather than forget or change one. */
function lock(): string {
  const locked: Lock = { ...lockedColumns() }
  for (const { name, number, kind } of columns) {
    const before = locked[name]
    if (before !== undefined && (before.number !== number || before.kind !== kind)) {
      throw new Error(
        `column ${name} is locked as ${before.kind} number ${before.number}, declared as ${kind} number ${number}`,
      )
    }
    const taken = Object.entries(locked).find(([other, each]) => other !== name && each.number === number)
    if (taken !== undefined)
      throw new Error(`column ${name} wants number ${number}, which is for ever that of ${taken[0]}`)
    locked[name] = { number, kind }
  }
  for (const [name, { number }] of Object.entries(locked)) {
    if (!columns.some((column) => column.name === name) && !removedColumns.includes(number)) {
      throw new Error(`column ${name} is gone: put its number ${number} into removedColumns`)
    }
  }
  const lines = Object.entries(locked)
    .sort(([, a], [, b]) => a.number - b.number)
    .map(([name, { number, kind }]) => `  ${JSON.stringify(name)}: { "number": ${number}, "kind": "${kind}" }`)
  return `{\n${lines.join(',\n')}\n}\n`
}

type Lock = Record<string, { readonly number: number; readonly kind: string }>

function lockedColumns(): Lock {
  const file = join(protocol, 'columns.lock.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Lock) : {}
}

const pbjs = createRequire(import.meta.url).resolve('protobufjs-cli/bin/pbjs')
const withoutUnused = ['--no-verify', '--no-delimited', '--no-typeurl', '--no-service', '--no-convert']

/** Static code of .proto files, as a module without its default export. */
function staticCode(name: string, protos: readonly string[], options: readonly string[]): string {
  const out = staticCodeFile(name)
  const form = ['-t', 'static-module', '-w', 'esm', '-r', name, '--dependency', 'protobufjs/minimal.js']
  const files = protos.map((proto) => join(protocol, 'proto', proto))
  const args = [...form, ...withoutUnused, ...options, '--null-semantics', '-p', join(protocol, 'proto'), '-o', out]
  execFileSync(process.execPath, [pbjs, ...args, ...files])
  return readFileSync(out, 'utf8').replace('export {\n  $root as default\n};\n', '')
}

function staticCodeFile(name: string): string {
  return join(tmpdir(), `${name}-${process.pid}.gen.js`)
}

/** The codec of browser.proto, without what we do not use. */
function browserCodec(): [string, string][] {
  const code = staticCode('millrace', ['millrace/v1/browser.proto'], ['-d'])
  // Our own type for the halves of a 64-bit integer, so that nobody needs Long's.
  const types = readFileSync(staticCodeFile('millrace').replace(/\.js$/, '.d.ts'), 'utf8').replace(
    'import Long = require("long");',
    "import type { LongBits as Long } from '../browser/int64.ts';",
  )
  return [
    ['packages/protocol/src/gen/browser.gen.js', code],
    ['packages/protocol/src/gen/browser.gen.d.ts', types],
  ]
}

/**
 * The codec of OpenTelemetry's own .proto files. The server reads OTLP by hand, in less time and in steps; with this code the tests
 * compare what it reads and answers, and the bench its cost.
 */
function otlpCodec(): [string, string][] {
  const signals = ['trace', 'logs', 'metrics']
  const services = signals.map((signal) => `opentelemetry/proto/collector/${signal}/v1/${signal}_service.proto`)
  const errors = ['google/rpc/status.proto', 'google/rpc/error_details.proto']
  return [
    [
      'packages/protocol/test/gen/otlp.gen.js',
      staticCode('otlp', [...services, ...errors], ['--no-create', '--no-comments']),
    ],
  ]
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, content] of generated()) {
    const file = join(root, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, content)
    process.stdout.write(`${relative(process.cwd(), file)}\n`)
  }
}
