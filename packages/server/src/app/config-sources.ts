import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { z } from 'zod'
import { PipelineError } from '../core/errors.ts'
import { gotUnknown } from './config-explain.ts'
import { emptyTree, isTree, pathsOf, put, settingPaths, type Tree } from './config-paths.ts'
import { didYouMean } from './did-you-mean.ts'

/** Where a key's value came from: `file …`, `environment MILLRACE_…`, `flag --…`. */
export type Origins = Map<string, string>

/** One place where settings are written. */
export interface Source {
  readonly tree: Tree
  readonly origins: Origins
}

const fileNames = ['millrace.config.ts', 'millrace.config.js', 'millrace.config.json']

/** The file named by `--config`, or the first usual name in the working directory; none is fine. */
export async function readFileSource(named: string | undefined, cwd: string): Promise<Source> {
  const path =
    named === undefined
      ? fileNames.map((name) => join(cwd, name)).find((candidate) => existsSync(candidate))
      : resolve(cwd, named)
  if (path === undefined) return { tree: emptyTree(), origins: new Map() }
  if (!existsSync(path)) throw new PipelineError('config', `no configuration file at ${path}`)
  const tree = await readTree(path)
  return { tree, origins: new Map(pathsOf(tree).map((key) => [key, `file ${path}`])) }
}

async function readTree(path: string): Promise<Tree> {
  try {
    const value = path.endsWith('.json') ? parseJson(await readFile(path, 'utf8')) : await readModule(path)
    if (!isTree(value)) throw new Error(`expected an object of settings, it holds ${kindOf(value)}`)
    return value
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new PipelineError('config', `cannot read ${path}: ${why}`, { cause: error })
  }
}

async function readModule(path: string): Promise<unknown> {
  if (!/\.[cm]?[jt]s$/.test(path)) throw new Error('expected a file that ends in .ts, .js or .json')
  const module = (await import(pathToFileURL(path).href)) as { default?: unknown }
  if (module.default === undefined)
    throw new Error('it has no default export; expected `export default { collector: { port: 9000 } }`')
  return typeof module.default === 'function' ? await (module.default as () => unknown)() : module.default
}

/** The parser's own message repeats what stands around the mistake, which may be a key's hash: only the place is told. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const at = /position (\d+)/.exec(cause instanceof Error ? cause.message : '')?.[1]
    const line = at === undefined ? '' : `, at line ${text.slice(0, Number(at)).split('\n').length}`
    throw new Error(`it is not JSON${line}`, { cause })
  }
}

/** Variables with the prefix that are not settings: what the command line itself reads. */
const notSettings = new Set(['MILLRACE_URL', 'MILLRACE_KEY', 'MILLRACE_COLLECTOR_URL'])

/** `MILLRACE_` + the key's path in upper snake case. */
export function environmentName(path: readonly string[]): string {
  return `MILLRACE_${path.map((key) => key.replaceAll(/[A-Z]/g, '_$&').toUpperCase()).join('_')}`
}

/** An unknown name is an error, because a typo would silently do nothing; an empty value counts as not set. */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>, schema: z.ZodType): Source {
  const settings = new Map(settingPaths(schema).map((setting) => [environmentName(setting.path), setting]))
  const tree = emptyTree()
  const origins: Origins = new Map()
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('MILLRACE_') || notSettings.has(name) || text === undefined || text === '') continue
    const setting = settings.get(name)
    if (setting === undefined)
      throw new PipelineError(
        'config',
        `unknown environment variable ${name}: no key of the configuration has this name${gotUnknown([name], text)}${didYouMean(name, [...settings.keys()])}`,
      )
    set({ tree, origins }, setting.path, setting.isText ? text : looselyParsed(text), `environment ${name}`)
  }
  return { tree, origins }
}

/** Flags with a name of their own. */
const namedFlags: Readonly<Record<string, readonly string[]>> = {
  data: ['dataDir'],
  port: ['collector', 'port'],
  apiPort: ['api', 'port'],
  host: ['collector', 'host'],
  apiHost: ['api', 'host'],
  workerPort: ['worker', 'port'],
  jobs: ['worker', 'jobs'],
}

/** `--set key.path=value`, and the flags that have a name of their own, which win. */
export function readFlags(flags: Readonly<Record<string, unknown>>, schema: z.ZodType): Source {
  const source: Source = { tree: emptyTree(), origins: new Map() }
  const settings = new Map(settingPaths(schema).map((setting) => [setting.path.join('.'), setting]))
  for (const assignment of (flags['set'] as readonly string[] | undefined) ?? []) {
    const at = assignment.indexOf('=')
    const key = at < 0 ? assignment : assignment.slice(0, at)
    const setting = settings.get(key)
    // Projects have names of the user's own, which no list of settings knows; the schema judges them.
    if (at < 0 || (setting === undefined && !/^projects\.[^.]+\.[^.]+$/.test(key)))
      throw new PipelineError(
        'config',
        `--set ${key}: expected KEY=VALUE with a key of the configuration${at < 0 ? '' : `${gotUnknown([key], assignment.slice(at + 1))}${didYouMean(key, [...settings.keys()])}`}`,
      )
    const text = assignment.slice(at + 1)
    set(source, key.split('.'), setting?.isText === true ? text : looselyParsed(text), 'flag --set')
  }
  for (const [flag, path] of Object.entries(namedFlags)) {
    const value = flags[flag]
    if (value === undefined) continue
    const isText = settings.get(path.join('.'))?.isText === true
    const name = flag.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    set(source, path, isText ? value : looselyParsed(String(value)), `flag --${name}`)
  }
  return source
}

function set({ tree, origins }: Source, path: readonly string[], value: unknown, origin: string): void {
  put(tree, path, value)
  const key = path.join('.')
  for (const leaf of isTree(value) ? pathsOf(value, path) : [key]) origins.set(leaf, origin)
}

function looselyParsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

function kindOf(value: unknown): string {
  return Array.isArray(value) ? 'a list' : value === null ? 'null' : `a ${typeof value}`
}
