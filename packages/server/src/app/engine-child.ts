import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Deps } from '../core/deps.ts'
import type { PipelineError } from '../core/errors.ts'
import { engineArguments, engineReady } from '../stores/clickhouse/engine/engine.ts'
import { type SupervisedChild, superviseChild } from './child.ts'
import type { Config } from './config.ts'
import { engineOptions } from './engine-options.ts'
import { noted, spawnNode } from './spawn-node.ts'

/** Our own ClickHouse as a child of this process; undefined when the store is a server by URL. */
export function superviseEngine(
  config: Config,
  onGivenUp: (error: PipelineError) => void,
  deps: Pick<Deps, 'clock' | 'logger'>,
): SupervisedChild<unknown> | undefined {
  if (config.store.driver !== 'embedded') return undefined
  const { dataDir } = config
  return superviseChild(
    {
      role: 'engine',
      start: () => noted(dataDir, 'engine', spawnEngine(config, deps)),
      ready: (child, signal) => engineReady(dataDir, child.pid ?? 0, signal),
    },
    onGivenUp,
    deps,
  )
}

/**
 * Never with a terminal as its output: ClickHouse would log every query there, whatever its configuration says. What it does
 * say (it cannot start, mostly) becomes lines of our log.
 */
function spawnEngine(config: Config, { logger }: Pick<Deps, 'logger'>): ChildProcess {
  const child = spawnNode(engineArguments(engineOptions(config)), 'pipe')
  for (const output of [child.stdout, child.stderr])
    if (output !== null)
      createInterface({ input: output }).on('line', (line) => {
        if (line.trim() !== '') logger.warn({ role: 'engine' }, line.slice(0, 2000))
      })
  return child
}
