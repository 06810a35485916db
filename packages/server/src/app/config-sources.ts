import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { isAbsolute, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { z } from 'zod'
import { PipelineError } from '../core/errors.ts'

/** A tree of settings as written, before defaults. */
export type Tree = Record<string, unknown>
/** Where a key's value came from: `default`, `file …`, `environment MILLRACE_…`, `flag --…`. */
export type Origins = Map<string, string>

const fileNames = ['millrace.config.ts', 'millrace.config.js', 'millrace.config.json']

/** The file named by `--config`, or the first usual name in the working directory; none is fine. */
export async function readFileSource(
  named: string | undefined,
  cwd: string,
): Promise<{ path: string; tree: Tree } | undefined> {
  const path =
    named === undefined
      ? fileNames.map((name) => join(cwd, name)).find((candidate) => existsSync(candidate))
      : resolve(cwd, named)
  if (path === undefined) return undefined
  if (!existsSync(path)) throw new PipelineError('config', `no configuration file at ${path}`)
  try {
    if (path.endsWith('.json')) return { path, tree: JSON.parse(await readFile(path, 'utf8')) as Tree }
    const module = (await import(pathToFileURL(path).href)) as { default?: unknown }
    const value = typeof module.default === 'function' ? ((await module.default()) as unknown) : module.default
    if (typeof value !== 'object' || value === null) throw new Error('it has no default export that is an object')
    return { path, tree: value as Tree }
  } catch (error) {
    throw new PipelineError(
      'config',
      `cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    )
  }
}

/** Variables with the prefix that are not settings: what the command line itself reads. */
const notSettings = new Set(['MILLRACE_URL', 'MILLRACE_KEY', 'MILLRACE_COLLECTOR_URL'])

/** `MILLRACE_` + the key's path in upper snake case. An unknown name is an error, because a typo would silently do nothing. */
export function readEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  schema: z.ZodType,
): { tree: Tree; origins: Origins } {
  const paths = new Map(
    settingPaths(schema).map((setting) => [`MILLRACE_${setting.path.map(snake).join('_')}`, setting]),
  )
  const tree: Tree = {}
  const origins: Origins = new Map()
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('MILLRACE_') || notSettings.has(name) || text === undefined || text === '') continue
    const setting = paths.get(name)
    if (setting === undefined)
      throw new PipelineError('config', `unknown environment variable ${name}${didYouMean(name, [...paths.keys()])}`)
    put(tree, setting.path, setting.isText ? text : looselyParsed(text))
    origins.set(setting.path.join('.'), `environment ${name}`)
  }
  return { tree, origins }
}

/** `--set key.path=value`, and the flags that have a name of their own. */
export function readFlags(
  flags: Readonly<Record<string, unknown>>,
  schema: z.ZodType,
): { tree: Tree; origins: Origins } {
  const tree: Tree = {}
  const origins: Origins = new Map()
  const named: Readonly<Record<string, readonly string[]>> = {
    data: ['dataDir'],
    port: ['collector', 'port'],
    apiPort: ['api', 'port'],
    host: ['collector', 'host'],
  }
  for (const [flag, path] of Object.entries(named)) {
    const value = flags[flag]
    if (value === undefined) continue
    put(tree, path, flag.toLowerCase().endsWith('port') ? looselyParsed(String(value)) : value)
    origins.set(path.join('.'), `flag --${flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`)
  }
  const known = settingPaths(schema)
  for (const assignment of (flags['set'] as readonly string[] | undefined) ?? []) {
    const at = assignment.indexOf('=')
    const key = at < 0 ? assignment : assignment.slice(0, at)
    const setting = known.find(({ path }) => path.join('.') === key)
    if (at < 0 || (setting === undefined && !key.startsWith('projects.')))
      throw new PipelineError(
        'config',
        `--set ${key}: expected KEY=VALUE with a known key${didYouMean(
          key,
          known.map(({ path }) => path.join('.')),
        )}`,
      )
    put(tree, key.split('.'), setting?.isText ? assignment.slice(at + 1) : looselyParsed(assignment.slice(at + 1)))
    origins.set(key, 'flag --set')
  }
  return { tree, origins }
}

/** Later trees win, key by key; arrays and scalars are taken whole. */
export function merge(...trees: readonly Tree[]): Tree {
  const result: Tree = {}
  for (const tree of trees)
    for (const [key, value] of Object.entries(tree)) {
      const before = result[key]
      result[key] = isTree(before) && isTree(value) ? merge(before, value) : value
    }
  return result
}

export function pathsOf(tree: Tree, prefix: readonly string[] = []): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) ? pathsOf(value, [...prefix, key]) : [[...prefix, key].join('.')],
  )
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

interface Setting {
  readonly path: readonly string[]
  /** The value is text: `123` stays text. */
  readonly isText: boolean
}

/** Every leaf that the schema knows; of a union (drivers), the leaves of all its branches; a record is one leaf (JSON). */
export function settingPaths(schema: z.ZodType, prefix: readonly string[] = []): Setting[] {
  const { def } = schema as unknown as {
    def: {
      type: string
      innerType?: z.ZodType
      options?: z.ZodType[]
      shape?: Record<string, z.ZodType>
      in?: z.ZodType
    }
  }
  if (def.innerType !== undefined) return settingPaths(def.innerType, prefix)
  if (def.type === 'pipe' && def.in !== undefined) return settingPaths(def.in, prefix)
  if (def.shape !== undefined)
    return Object.entries(def.shape).flatMap(([key, inner]) => settingPaths(inner, [...prefix, key]))
  if (def.options !== undefined) {
    const merged = new Map<string, Setting>()
    for (const setting of def.options.flatMap((option) => settingPaths(option, prefix))) {
      const key = setting.path.join('.')
      // A value that may be a number or text is tried as JSON first.
      merged.set(key, { ...setting, isText: setting.isText && merged.get(key)?.isText !== false })
    }
    return [...merged.values()]
  }
  return [{ path: prefix, isText: def.type === 'string' || def.type === 'enum' || def.type === 'literal' }]
}

function put(tree: Tree, path: readonly string[], value: unknown): void {
  let at = tree
  for (const key of path.slice(0, -1)) at = (at[key] ??= {}) as Tree
  at[path.at(-1)!] = value
}

function looselyParsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

function snake(key: string): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
}

export function didYouMean(word: string, known: readonly string[]): string {
  const best = known
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .sort((a, b) => a.distance - b.distance)[0]
  return best !== undefined && best.distance <= Math.max(2, word.length / 4) ? `; did you mean ${best.candidate}?` : ''
}

/** Levenshtein distance. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    row = next
  }
  return row[b.length]!
}

export function absolute(cwd: string, path: string): string {
  return isAbsolute(path) ? path : resolve(cwd, path)
}
