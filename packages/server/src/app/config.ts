import { resolve } from 'node:path'
import { PipelineError } from '../core/errors.ts'
import { assertOpenIsLoopback, isLoopback } from '../gate/authenticate.ts'
import { explain } from './config-explain.ts'
import { merge, settingPaths } from './config-paths.ts'
import { configSchema, type Config } from './config-schema.ts'
import { type Origins, readEnvironment, readFileSource, readFlags } from './config-sources.ts'

export type { Config } from './config-schema.ts'

export interface LoadedConfig {
  readonly config: Config
  /** For every setting that is not a default, where it came from. */
  readonly origins: Origins
}

/** Flag > environment > file > default. Throws PipelineError `config` that names the key, the value and what is expected. */
export async function loadConfig(
  flags: Readonly<Record<string, unknown>> = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
  cwd: string = process.cwd(),
): Promise<LoadedConfig> {
  const sources = [
    await readFileSource(flags['config'] as string | undefined, cwd),
    readEnvironment(env, configSchema),
    readFlags(flags, configSchema),
  ]
  const tree = merge(...sources.map((source) => source.tree))
  const origins: Origins = new Map(sources.flatMap((source) => [...source.origins]))
  const result = configSchema.safeParse(tree)
  if (!result.success)
    throw new PipelineError('config', explain(result.error, tree, origins, settingPaths(configSchema)))
  return { config: resolved(result.data, cwd), origins }
}

/** What depends on several keys at once. */
function resolved(data: Omit<Config, 'auth'> & { auth?: Config['auth'] | undefined }, cwd: string): Config {
  const { collector, api, worker } = data
  const auth = data.auth ?? ([collector, api, worker].every(({ host }) => isLoopback(host)) ? 'open' : 'keys')
  assertOpenIsLoopback(auth, 'collector.host', collector.host)
  assertOpenIsLoopback(auth, 'api.host', api.host)
  assertOpenIsLoopback(auth, 'worker.host', worker.host)
  if (collector.port === api.port && collector.port !== 0 && collector.host === api.host)
    throw new PipelineError(
      'config',
      `collector.port and api.port are both ${api.port}; give one of them another, or 0 for any free one`,
    )
  assertAskingProjects(data)
  return { ...data, auth, dataDir: resolve(cwd, data.dataDir) }
}

/** A login for a project that is not there would silently open SQL for nobody. */
function assertAskingProjects({ store, projects }: Pick<Config, 'store' | 'projects'>): void {
  if (store.driver !== 'server') return
  const known = ['default', ...Object.keys(projects)]
  for (const project of Object.keys(store.asking))
    if (!known.includes(project))
      throw new PipelineError(
        'config',
        `store.asking.${project}: no such project in the configuration (known: ${known.join(', ')})`,
      )
}
