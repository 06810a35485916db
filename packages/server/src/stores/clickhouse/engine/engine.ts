import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { PipelineError } from '../../../core/errors.ts'
import type { EngineOptions } from './options.ts'
import { type EngineRun, engineRunFile, readEngineRun } from './run-file.ts'

/**
 * For whoever starts the engine's process:
 *
 *   const child = spawn(process.execPath, engineArguments(options), { stdio: ['ignore', 2, 2, 'pipe' or 'ipc'], detached: true })
 *   await engineReady(options.dataDir, child.pid, signal)
 *
 * The fourth stdio (descriptor 3) MUST be there: it is what the engine watches. Keep it open as long as the engine shall live. SIGTERM ends it in order
 * within 2 s. Exit code 3: the options or the platform cannot be; 1: it could not start or ended by itself.
 */
export function engineArguments(options: EngineOptions): string[] {
  const extension = import.meta.filename.endsWith('.ts') ? '.ts' : '.js'
  return [
    '--disable-warning=ExperimentalWarning',
    '--max-semi-space-size=1',
    join(import.meta.dirname, `engine-main${extension}`),
    JSON.stringify(options),
    '3',
  ]
}

/** Resolves when the engine of that process serves. Whoever waits gives up by the signal, e.g. when the process has ended. */
export async function engineReady(dataDir: string, pid: number, signal: AbortSignal): Promise<EngineRun> {
  const file = engineRunFile(dataDir)
  for (;;) {
    signal.throwIfAborted()
    try {
      const run = readEngineRun(file)
      if (run.pid === pid) return run
    } catch (error) {
      if (!(error instanceof PipelineError)) throw error
    }
    await sleep(10, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}
