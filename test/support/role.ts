import { type ChildProcess, spawn } from 'node:child_process'
import { bin } from './instance.ts'

export interface RoleReady {
  readonly collector: string | null
  readonly api: string | null
  readonly otlp: string | null
  readonly grpc: string | null
  readonly worker: string | null
  readonly pid: Readonly<Record<string, number | null>>
  readonly ms: number
}

export interface RoleOptions {
  readonly role: 'collector' | 'worker' | 'api'
  readonly dataDir: string
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
}

/** `millrace <role>` in the foreground. */
export interface RoleProcess {
  readonly pid: number
  /** Rejects with its last words when it ends before. */
  readonly ready: Promise<RoleReady>
  /** Resolves with the exit code; null after a signal. */
  readonly exit: Promise<number | null>
  stdout(): string
  stderr(): string
  signal(signal: NodeJS.Signals): void
  end(signal: NodeJS.Signals): Promise<number | null>
}

export const anyPorts = {
  MILLRACE_COLLECTOR_PORT: '0',
  MILLRACE_COLLECTOR_OTLP_PORT: '0',
  MILLRACE_COLLECTOR_GRPC_PORT: '0',
  MILLRACE_API_PORT: '0',
  MILLRACE_WORKER_PORT: '0',
}

const keptLog = 1_000_000

export function playRole({ role, dataDir, env = {}, args = [] }: RoleOptions): RoleProcess {
  const child: ChildProcess = spawn(process.execPath, [bin, role, '--data', dataDir, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...anyPorts, ...env },
  })
  // Whoever started it may be ended in between (a test's time limit): nothing stays behind.
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  let out = ''
  let log = ''
  const exit = new Promise<number | null>((resolve) =>
    child.once('exit', (code) => {
      process.off('exit', kill)
      resolve(code)
    }),
  )
  child.stderr?.on('data', (chunk: Buffer) => {
    log = (log + chunk.toString()).slice(-keptLog)
  })
  const ready = new Promise<RoleReady>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      out = (out + chunk.toString()).slice(-keptLog)
      const line = /^millrace ready (.*)\n/m.exec(out)?.[1]
      if (line !== undefined) resolve(JSON.parse(line) as RoleReady)
    })
    void exit.then((code) => reject(new Error(`millrace ${role} ended with ${code}:\n${log}`)))
  })
  ready.catch(() => {}) // whoever waits for it hears of it
  return {
    pid: child.pid ?? 0,
    ready,
    exit,
    stdout: () => out,
    stderr: () => log,
    signal: (signal) => void child.kill(signal),
    end(signal) {
      child.kill(signal)
      return exit
    },
  }
}
