import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface Ready {
  readonly collector: string
  readonly api: string
  readonly pid: Readonly<Record<Role, number>>
  readonly ms: number
}

export type Role = 'supervisor' | 'collector' | 'worker' | 'engine'

export interface InstanceOptions {
  /** Kept over restarts; a new temporary folder by default, removed by `dispose`. */
  readonly dataDir?: string
  readonly ports?: { readonly collector: number; readonly api: number }
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  /** Where its log goes; by default it is kept in memory for `log()`. */
  readonly echo?: boolean
}

/** A whole Millrace in processes of its own, as a user starts it. */
export interface Instance {
  readonly dataDir: string
  ready(): Ready
  /** The current pid of a child, from its pid file: children are replaced when they die. */
  pid(role: Role): number | undefined
  log(): string
  /** What the supervisor has written to stdout since its last start. */
  output(): string
  start(): Promise<Ready>
  /** SIGTERM unless told; resolves with the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>
  kill9(role: Role): boolean
  /** Any signal to the current process of that role: SIGSTOP and SIGCONT make one slow. */
  signal(role: Role, signal: NodeJS.Signals): boolean
  /** Resolves when the supervisor's process is gone. */
  ended(): Promise<void>
  dispose(): Promise<void>
}

export const bin = join(import.meta.dirname, '../../packages/server/bin/millrace.mjs')

export function createInstance(options: InstanceOptions = {}): Instance {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'millrace-'))
  let child: ChildProcess | undefined
  let exit: Promise<number | null> = Promise.resolve(null)
  let ready: Ready | undefined
  // Whoever started it may be ended in between (a test's time limit): nothing stays behind. Its children end with it.
  process.once('exit', () => child?.kill('SIGKILL'))
  let log = ''
  let out = ''

  const start = async (): Promise<Ready> => {
    const ports = options.ports ?? { collector: 0, api: 0 }
    const args = [
      'start',
      '--data',
      dataDir,
      '--port',
      String(ports.collector),
      '--api-port',
      String(ports.api),
      ...(options.args ?? []),
    ]
    const env = { ...process.env, MILLRACE_COLLECTOR_OTLP_PORT: '0', MILLRACE_COLLECTOR_GRPC_PORT: '0', ...options.env }
    const started = spawn(process.execPath, [bin, ...args], { stdio: ['ignore', 'pipe', 'pipe'], env, cwd: dataDir })
    child = started
    exit = new Promise((resolve) => started.once('exit', (code) => resolve(code)))
    started.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-1_000_000)
      if (options.echo) process.stderr.write(chunk)
    })
    out = ''
    return await new Promise<Ready>((resolve, reject) => {
      started.stdout.on('data', (chunk: Buffer) => {
        out += chunk.toString()
        const line = out.split('\n').find((text) => text.startsWith('millrace ready '))
        if (line !== undefined && out.includes('\n', out.indexOf(line))) {
          ready = JSON.parse(line.slice('millrace ready '.length)) as Ready
          resolve(ready)
        }
      })
      void exit.then((code) =>
        reject(new Error(`millrace start ended with ${code} before it was ready:\n${log.slice(-4000)}`)),
      )
    })
  }

  const pid = (role: Role): number | undefined => {
    if (role === 'supervisor') return child?.pid
    try {
      return (JSON.parse(readFileSync(join(dataDir, 'run', `${role}.pid`), 'utf8')) as { pid: number }).pid
    } catch {
      return undefined
    }
  }

  const send = (role: Role, name: NodeJS.Signals): boolean => {
    const target = pid(role)
    if (target === undefined) return false
    try {
      process.kill(target, name)
      return true
    } catch {
      return false // it was just being replaced
    }
  }

  return {
    dataDir,
    ready: () => ready!,
    pid,
    log: () => log,
    output: () => out,
    start,
    stop(name = 'SIGTERM') {
      child?.kill(name)
      return exit
    },
    kill9: (role) => send(role, 'SIGKILL'),
    signal: send,
    ended: () => exit.then(() => {}),
    async dispose() {
      child?.kill('SIGKILL')
      await exit
      for (
        let waited = 0;
        waited < 3000 && (['collector', 'worker', 'engine'] as const).some((role) => isAlive(pid(role)));
        waited += 20
      )
        await pause(20)
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

export function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z ')
  } catch {
    if (process.platform === 'linux') return false
  }
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A port that was free a moment ago: for programs that must come back on the same one. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Asks `check` until it answers something else than undefined. Throws after `ms`. */
export async function eventually<T>(
  check: () => Promise<T | undefined> | T | undefined,
  ms = 15_000,
  what = 'the expected state',
): Promise<T> {
  const deadline = Date.now() + ms
  for (;;) {
    const value = await check()
    if (value !== undefined) return value
    if (Date.now() > deadline) throw new Error(`${what} did not come within ${ms} ms`)
    await pause(50)
  }
}

/** Rows of a SQL question as the project's own user. */
export async function ask<Row = Record<string, unknown>>(
  api: string,
  query: string,
  params: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Row[]> {
  const response = await fetch(`${api}/api/v1/sql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, params }),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${response.status}: ${text}`)
  return (JSON.parse(text) as { rows: Row[] }).rows
}

export async function getJson<T = Record<string, unknown>>(
  url: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; body: T }> {
  const response = await fetch(url, { headers })
  return { status: response.status, body: (await response.json()) as T }
}
