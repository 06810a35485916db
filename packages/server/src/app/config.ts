import { z } from 'zod'
import { PipelineError } from '../core/errors.ts'
import { configSchema, type Config } from './config-schema.ts'
import {
  absolute,
  isTree,
  merge,
  type Origins,
  pathsOf,
  readEnvironment,
  readFileSource,
  readFlags,
  type Tree,
} from './config-sources.ts'

export type { Config } from './config-schema.ts'

export interface LoadedConfig {
  readonly config: Config
  /** For every setting that is not a default, where it came from. */
  readonly origins: Origins
}

const loopback = new Set(['127.0.0.1', '::1', 'localhost'])

/** Flag > environment > file > default. Throws PipelineError `config` that names the key, the value and what is expected. */
export async function loadConfig(
  flags: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
  cwd: string = process.cwd(),
): Promise<LoadedConfig> {
  const fromFlags = readFlags(flags, configSchema)
  const fromEnvironment = readEnvironment(env, configSchema)
  const file = await readFileSource(flags['config'] as string | undefined, cwd)
  const tree = merge(file?.tree ?? {}, fromEnvironment.tree, fromFlags.tree)
  const origins: Origins = new Map(pathsOf(file?.tree ?? {}).map((path) => [path, `file ${file?.path}`]))
  for (const [path, origin] of [...fromEnvironment.origins, ...fromFlags.origins]) origins.set(path, origin)
  const result = configSchema.safeParse(tree)
  if (!result.success) throw new PipelineError('config', explain(result.error, tree, origins))
  const config = result.data
  const onLoopback = loopback.has(config.collector.host) && loopback.has(config.api.host)
  const auth = config.auth ?? (onLoopback ? 'open' : 'keys')
  if (auth === 'open' && !onLoopback)
    throw new PipelineError(
      'config',
      `auth: open would let anybody in at ${config.collector.host}; use auth: keys, or host 127.0.0.1`,
    )
  return { config: { ...config, auth, dataDir: absolute(cwd, config.dataDir) }, origins }
}

/** One line per problem: the key, the value, what is expected, and where the value came from. */
function explain(error: z.ZodError, tree: Tree, origins: Origins): string {
  const lines = error.issues.flatMap((issue) => {
    const path = issue.path.map(String)
    const keys = issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...path, key]) : [path]
    return keys.map((at) => {
      const key = at.join('.')
      const origin = origins.get(key) ?? [...origins].find(([known]) => known.startsWith(`${key}.`))?.[1]
      const value = issue.code === 'unrecognized_keys' ? '' : ` (got ${shown(at, tree)})`
      const says = issue.code === 'unrecognized_keys' ? 'unknown key' : issue.message
      return `${key === '' ? 'configuration' : key}: ${says}${value}${origin === undefined ? '' : ` — from ${origin}`}`
    })
  })
  return lines.join('\n')
}

const secret = /secret|password|sha256|key$|url$/i

function shown(path: readonly string[], tree: Tree): string {
  let value: unknown = tree
  for (const key of path) value = isTree(value) || Array.isArray(value) ? (value as Tree)[key] : undefined
  return value === undefined
    ? 'nothing'
    : path.some((key) => secret.test(key))
      ? 'a hidden value'
      : JSON.stringify(value)
}

/** For `millrace.config.ts`: types and completion. */
export function defineConfig(config: z.input<typeof configSchema>): z.input<typeof configSchema> {
  return config
}
