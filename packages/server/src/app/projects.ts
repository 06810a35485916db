import type { Config } from './config.ts'

/** Projects of the configuration, `default` always among them. */
export function projectsOf(config: Config): Config['projects'] {
  return { default: { keys: [] }, ...config.projects }
}
