import type { Registry } from 'prom-client'
import type { Deps } from '../core/deps.ts'
import type { PipelineError } from '../core/errors.ts'
import { makeDirectory } from '../core/make-directory.ts'
import { ensureFormat } from '../stores/format.ts'
import type { Config } from './config.ts'
import { superviseEngine } from './engine-child.ts'
import { endLeftovers, type LoneRole, lockRole, writePid } from './lock.ts'
import { createRole, type RoleName } from './roles.ts'
import { removeRoleFiles, writeRunFile } from './run-file.ts'

/** The ready line of a role that is played alone: what another role would say is null. */
export interface LoneReady {
  readonly collector: string | null
  readonly api: string | null
  readonly otlp: string | null
  readonly grpc: string | null
  /** Where a worker's probes, metrics and status are. */
  readonly worker: string | null
  readonly pid: {
    readonly supervisor: null
    readonly collector: number | null
    readonly worker: number | null
    readonly api: number | null
    readonly engine: number | null
  }
  readonly ms: number
}

export interface LonePlayer {
  readonly ready: LoneReady
  /** Rejects when it cannot go on: the engine cannot be started, or a part asked for another process. */
  readonly ended: Promise<never>
  stop(): Promise<void>
}

const roleOf: Readonly<Record<LoneRole, RoleName>> = { collector: 'collector', worker: 'jobs', api: 'api' }

/**
 * One role in this very process, without a supervisor: for containers and units that are started again by whoever runs them.
 * Roles of one machine may share a data directory; a worker then brings the engine with it, where the store is our own.
 */
export async function playRole(
  name: LoneRole,
  config: Config,
  deps: Pick<Deps, 'clock' | 'logger'> & { readonly metrics: Registry },
  signal: AbortSignal,
): Promise<LonePlayer> {
  const startedAt = deps.clock.now()
  const { dataDir } = config
  makeDirectory(dataDir)
  const ended = Promise.withResolvers<never>()
  ended.promise.catch(() => {})
  const fatal = (error: PipelineError) => ended.reject(error)
  const lock = lockRole(dataDir, name, isAlone(name, config))
  const undo: (() => Promise<void> | void)[] = [() => lock.release(), () => removeRoleFiles(dataDir, name, process.pid)]
  let stopped: Promise<void> | undefined
  const stop = () => (stopped ??= undoAll(undo))
  try {
    ensureFormat(dataDir)
    writePid(dataDir, name, process.pid)
    if (name === 'worker' && config.store.driver === 'embedded') await endLeftovers(dataDir, 1500, ['engine'])
    const engine = name === 'worker' ? superviseEngine(config, fatal, deps) : undefined
    if (engine !== undefined)
      undo.push(async () => {
        const pid = engine.pid()
        await engine.stop(1500)
        removeRoleFiles(dataDir, 'engine', pid)
      })
    const role = await createRole(roleOf[name], config, { ...deps, fatal })
    undo.push(() => role.stop())
    await Promise.race([role.start(signal), ended.promise])
    const { url, otlp, grpc } = role.ready()
    // `worker.json` with a URL would be that of an API, as under a supervisor.
    writeRunFile(
      dataDir,
      name,
      name === 'worker' ? { probes: url } : { url, ...(name === 'collector' && { otlp, grpc }) },
    )
    const of = <T>(who: LoneRole, value: T): T | null => (who === name ? value : null)
    const ready: LoneReady = {
      collector: of('collector', url),
      api: of('api', url),
      otlp: otlp ?? null,
      grpc: grpc ?? null,
      worker: of('worker', url),
      pid: {
        supervisor: null,
        collector: of('collector', process.pid),
        worker: of('worker', process.pid),
        api: of('api', process.pid),
        engine: engine?.pid() ?? null,
      },
      ms: deps.clock.now() - startedAt,
    }
    return { ready, ended: ended.promise, stop }
  } catch (error) {
    await stop().catch(() => {}) // the first error is the one that tells
    throw error
  }
}

/** The collector's dedup files and name in the log are one process's; so is our own engine. Everything else is shared. */
function isAlone(name: LoneRole, { store }: Config): boolean {
  return name === 'collector' || (name === 'worker' && store.driver === 'embedded')
}

/** The last first. One that fails does not keep the others. */
async function undoAll(steps: (() => Promise<void> | void)[]): Promise<void> {
  const errors: unknown[] = []
  for (const step of steps.toReversed())
    try {
      await step()
    } catch (error) {
      errors.push(error)
    }
  if (errors.length > 0) throw errors[0]
}
