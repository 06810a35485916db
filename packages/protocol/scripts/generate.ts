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

/** Static code of browser.proto by pbjs, without what we do not use. */
function browserCodec(): [string, string][] {
  const pbjs = createRequire(import.meta.url).resolve('protobufjs-cli/bin/pbjs')
  const out = join(tmpdir(), `millrace-browser-${process.pid}.gen.js`)
  const options = [
    '--dependency',
    'protobufjs/minimal.js',
    '--no-verify',
    '--no-delimited',
    '--no-typeurl',
    '--no-service',
    '--no-convert',
  ]
  const proto = join(protocol, 'proto/millrace/v1/browser.proto')
  execFileSync(process.execPath, [
    pbjs,
    '-t',
    'static-module',
    '-w',
    'esm',
    '-r',
    'millrace',
    ...options,
    '--null-semantics',
    '-d',
    '-o',
    out,
    proto,
  ])
  const code = readFileSync(out, 'utf8').replace('export {\n  $root as default\n};\n', '')
  // Our own type for the halves of a 64-bit integer, so that nobody needs Long's.
  const types = readFileSync(out.replace(/\.js$/, '.d.ts'), 'utf8').replace(
    'import Long = require("long");',
    "import type { LongBits as Long } from '../browser/int64.ts';",
  )
  return [
    ['packages/protocol/src/gen/browser.gen.js', code],
    ['packages/protocol/src/gen/browser.gen.d.ts', types],
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
