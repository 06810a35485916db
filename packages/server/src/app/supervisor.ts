import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { Deps } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import { makeDirectory } from '../core/make-directory.ts'
import { superviseChild } from './child.ts'
import type { Config } from './config.ts'
import { superviseEngine } from './engine-child.ts'
import { ensureFormat } from '../stores/format.ts'
import { endLeftovers, lockDataDirectory, writePid } from './lock.ts'
import { entryPoint } from './entry-point.ts'
import type { RoleMessage, RoleReady } from './role-main.ts'
import { removeRunFiles } from './run-file.ts'
import { noted, spawnNode } from './spawn-node.ts'

/** What the ready line says (docs/guide/operating.md). */
export interface Ready {
  readonly collector: string
  readonly api: string
  readonly otlp: string | null
  readonly grpc: string | null
  readonly pid: {
    readonly supervisor: number
    readonly collector: number
    readonly worker: number
    readonly engine: number | null
  }
  readonly ms: number
}

export interface Supervisor {
  readonly ready: Promise<Ready>
  /** Rejects when a child can no longer be kept running; resolves after `stop`. */
  readonly ended: Promise<void>
  stop(): Promise<void>
}

/**
 * Starts engine, collector and worker as children of this process and keeps them running.
 * The children hold an IPC channel whose other end only this process has: when it dies, they end by themselves within a second.
 */
export async function createSupervisor(config: Config, deps: Pick<Deps, 'clock' | 'logger'>): Promise<Supervisor> {
  const startedAt = deps.clock.now()
  const dataDir = config.dataDir
  makeDirectory(dataDir)
  const lock = lockDataDirectory(dataDir)
  try {
    await endLeftovers(dataDir, 1500)
    ensureFormat(dataDir)
    writePid(dataDir, 'supervisor', process.pid)
  } catch (error) {
    lock.release()
    throw error
  }

  const ended = Promise.withResolvers<void>()
  ended.promise.catch(() => {})
  const giveUp = (error: PipelineError) => ended.reject(error)

  const engine = superviseEngine(config, giveUp, deps)
  const role = (name: 'collector' | 'worker') => {
    let own = config
    return superviseChild<RoleReady>(
      {
        role: name,
        start: () => noted(dataDir, name, spawnRole(name, own)),
        async ready(child, signal) {
          const ready = await readyMessage(child, signal)
          own = withPorts(config, name, ready)
          return ready
        },
      },
      giveUp,
      deps,
    )
  }
  const collector = role('collector')
  const worker = role('worker')

  const ready = Promise.all([collector.firstReady, worker.firstReady, engine?.firstReady]).then(([c, w]) => ({
    collector: c.url!, // these two roles have a listener each
    api: w.url!,
    otlp: c.otlp ?? null,
    grpc: c.grpc ?? null,
    pid: { supervisor: process.pid, collector: collector.pid()!, worker: worker.pid()!, engine: engine?.pid() ?? null },
    ms: deps.clock.now() - startedAt,
  }))
  ready.catch(() => {})

  let stopped: Promise<void> | undefined
  const stop = async () => {
    // The collector first: what it has accepted is durable before anything behind it goes away.
    // Together less than the 10 s that a stop may take. Who is killed at its bound loses nothing: the log and the tables are synced.
    await collector.stop(5800)
    await worker.stop(2000)
    await engine?.stop(1500)
    removeRunFiles(dataDir)
    lock.release()
    ended.resolve()
  }
  return { ready, ended: ended.promise, stop: () => (stopped ??= stop()) }
}

/** Port 0 is settled by the first start: whoever was told an address finds the role there again after a crash. */
function withPorts(config: Config, role: 'collector' | 'worker', ready: RoleReady): Config {
  const settled = <T extends number | false>(port: T, address: string | null | undefined): T | number =>
    port === 0 && typeof address === 'string' ? Number(address.slice(address.lastIndexOf(':') + 1)) : port
  if (role === 'worker') return { ...config, api: { ...config.api, port: settled(config.api.port, ready.url) } }
  const { port, otlpPort, grpcPort } = config.collector
  return {
    ...config,
    collector: {
      ...config.collector,
      port: settled(port, ready.url),
      otlpPort: settled(otlpPort, ready.otlp),
      grpcPort: settled(grpcPort, ready.grpc),
    },
  }
}

function spawnRole(role: 'collector' | 'worker', config: Config): ChildProcess {
  // Small young generations: no slower here (measured), and 10 MB less of each idle process.
  const flags = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4']
  const child = spawnNode([...flags, entryPoint(join('app', 'role-main')), role])
  child.send({ type: 'config', config }, () => {})
  return child
}

function readyMessage(child: ChildProcess, signal: AbortSignal): Promise<RoleReady> {
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    child.on('message', (told) => {
      const message = told as RoleMessage
      if (message.type === 'ready') resolve(message.ready)
      else reject(new PipelineError(message.code, message.message))
    })
  })
}
