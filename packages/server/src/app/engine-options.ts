import type { EngineOptions } from '../stores/clickhouse/engine/options.ts'
import type { Config } from './config.ts'
import { projectsOf } from './projects.ts'

export function engineOptions(config: Config): EngineOptions {
  if (config.store.driver !== 'embedded')
    throw new TypeError('the store is a server by URL: there is no engine of ours')
  const { seconds, memory, rows } = config.query
  return {
    dataDir: config.dataDir,
    projects: Object.keys(projectsOf(config)),
    ask: { seconds, memoryBytes: memory, rows },
    memoryBytes: config.store.memory,
  }
}
