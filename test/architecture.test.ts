import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const server = join(root, 'packages/server/src')

/** Which folder may import which other, and there only files at its top: ARCHITECTURE.md's table. `app` and `testing` know all. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  core: [],
  decoders: ['core'],
  http: ['core'],
  log: ['core'],
  kv: ['core'],
  stores: ['core'],
  gate: ['core', 'log', 'kv'],
  sources: ['core', 'decoders', 'gate', 'http'],
  jobs: ['core', 'log', 'kv', 'stores'],
  query: ['core', 'stores'],
  api: ['core', 'query', 'log', 'kv', 'http', 'stores'],
  cli: ['app', 'core', 'kv'],
}
const knowsAll = new Set(['app', 'testing'])
const maxCodeLines = 400

interface Import {
  readonly file: string
  readonly target: string
}

/** Every import, also type-only and dynamic ones with a literal path. */
function importsOf(file: string, text: string): Import[] {
  return [...text.matchAll(/(?:\bfrom\s*|\bimport\s*\(\s*|\bimport\s+)(['"])([^'"]+)\1/g)].map((match) => ({
    file,
    target: match[2]!,
  }))
}

/** Undefined when the import is allowed, else why not. `file` and the answer are relative to packages/server/src. */
function violation({ file, target }: Import): string | undefined {
  if (!target.startsWith('.')) return undefined
  const to = relative('.', join(dirname(file), target))
  if (to.startsWith('..')) return `${file} imports ${target}: outside of src`
  const from = file.split('/')[0]!
  const [folder = '', ...rest] = to.split('/')
  if (from === folder || knowsAll.has(from)) return undefined
  if (!(allowed[from] ?? []).includes(folder)) return `${file} imports ${to}: ${from} may not import ${folder}`
  if (rest.length > 1) return `${file} imports ${to}: only files at the top of ${folder} are its face`
  return undefined
}

function codeLines(text: string): number {
  return text
    .replaceAll(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trim().startsWith('//')).length
}

const isTest = (file: string) => /\.(test|contract|fixture)\.ts$|testdata\//.test(file)
const files = globSync('**/*.ts', { cwd: server })

describe('architecture', () => {
  it('finds the sources', () => {
    expect(files.length).toBeGreaterThan(50)
    const folders = new Set(files.map((file) => file.split('/')[0]))
    expect(folders).toEqual(new Set([...Object.keys(allowed), ...knowsAll]))
  })

  it('is what ARCHITECTURE.md says', () => {
    const rows = readFileSync(join(root, 'ARCHITECTURE.md'), 'utf8').matchAll(/^\| ([a-z]+) \|[^|]*\| ([^|]*) \|$/gm)
    const told = [...rows]
      .filter(([, folder]) => folder !== 'folder')
      .map(([, folder, may]) => [
        folder,
        may === 'everything' || may === '–' ? may : may!.split(' ').toSorted().join(' '),
      ])
    const kept = [
      ...Object.entries(allowed).map(([folder, may]) => [folder, may.length === 0 ? '–' : may.toSorted().join(' ')]),
      ...[...knowsAll].map((folder) => [folder, 'everything']),
    ]
    expect(Object.fromEntries(told)).toEqual(Object.fromEntries(kept))
  })

  it('lets each folder import only what its row of the table allows', () => {
    const violations = files
      .filter((file) => !isTest(file))
      .flatMap((file) => importsOf(file, readFileSync(join(server, file), 'utf8')))
      .map(violation)
      .filter((found) => found !== undefined)
    expect(violations).toEqual([])
  })

  it('keeps the protocol package free of everything of ours and of I/O', () => {
    const found = globSync('packages/protocol/src/**/*.ts', { cwd: root })
      .filter((file) => !isTest(file))
      .flatMap((file) => importsOf(file, readFileSync(join(root, file), 'utf8')))
      .filter(({ target }) => /^node:(?!crypto|zlib|buffer)/.test(target) || target.includes('server/'))
    expect(found).toEqual([])
  })

  it('keeps every file below 400 lines of code', () => {
    const long = globSync('packages/*/src/**/*.ts', { cwd: root })
      .filter((file) => !isTest(file) && !/\.gen\.|columns\/registry\.ts$|testdata/.test(file))
      .map((file) => ({ file, lines: codeLines(readFileSync(join(root, file), 'utf8')) }))
      .filter(({ lines }) => lines > maxCodeLines)
    expect(long).toEqual([])
  })

  it.each([
    ['gate/gate.ts', "import { x } from '../log/embedded/driver.ts'", 'face'],
    ['gate/gate.ts', "import type { Store } from '../stores/store.ts'", 'gate may not import stores'],
    ['core/event.ts', "export { x } from '../log/log.ts'", 'core may not import log'],
    ['decoders/a.ts', "await import('../http/server.ts')", 'decoders may not import http'],
    ['query/a.ts', "import '../api/server.ts'", 'query may not import api'],
    ['core/a.ts', "import x from '../../../protocol/src/index.ts'", 'outside of src'],
    ['jobs/load.ts', "import {\n  a,\n  b,\n} from '../stores/clickhouse/driver.ts'", 'face'],
    ['log/embedded/a.ts', "import type { X } from '../../kv/state.ts'", 'log may not import kv'],
    ['api/routes/a.ts', 'export * from "../../gate/gate.ts"', 'api may not import gate'],
    ['stores/a.ts', "const x = await import ('../jobs/load.ts')", 'stores may not import jobs'],
    ['cli/a.ts', "import '../sources/collector.ts'", 'cli may not import sources'],
    ['http/a.ts', "type X = import('../app/config.ts').Config", 'http may not import app'],
  ])('would see %s with %s', (file, text, why) => {
    expect(importsOf(file, text).map(violation).join()).toContain(why)
  })

  it.each([
    ['api/routes/a.ts', "import { x } from '../auth.ts'"],
    ['jobs/a.ts', "import { x } from '../stores/store.ts'"],
    ['app/drivers.ts', "import { x } from '../log/embedded/driver.ts'"],
    ['core/a.ts', "import { x } from '@millrace/protocol'"],
    ['log/embedded/a.ts', "import { x } from '../log.ts'"],
  ])('lets %s say %s', (file, text) => {
    expect(importsOf(file, text).map(violation)).toEqual([undefined])
  })

  it('would see a file of 401 lines, comments and empty lines apart', () => {
    expect(codeLines(`/**\n * why\n */\n${'const a = 1\n\n// so\n'.repeat(401)}`)).toBe(401)
  })
})
