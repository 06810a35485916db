import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { flushCompileCache as keepCompiled } from 'node:module'
import { createServer, Socket } from 'node:net'
import { join } from 'node:path'
import { DataType, load, open } from 'ffi-rs'
import { PipelineError, toPipelineError } from '../../../core/errors.ts'
import { createDatabase } from '../../schema/statements.ts'
import { configXml } from './config-xml.ts'
import { findEngineLibrary } from './library.ts'
import { checkEngineOptions, databaseName, type EngineOptions } from './options.ts'
import { releaseStartPages } from './resident-memory.ts'
import { engineRunFile, type Login, writeEngineRun } from './run-file.ts'
import { engineUsers } from './users-xml.ts'

/**
 * Entry point of the engine's process: ClickHouse from its library, listening for HTTP on a free port of 127.0.0.1.
 *
 *   node engine-main.ts <EngineOptions as JSON> [fd]
 *
 * `fd` is the read end of a pipe whose write end only the supervisor holds; an IPC channel does as well. When it ends, the
 * supervisor is dead, and so is this process at once: nobody else may hold its data.
 *
 * ClickHouse runs its command line in a thread, which never returns while it serves; this thread stays free for signals,
 * the pipe and readiness. It is `ready` when `data/run/engine.json` names this process.
 */
/** Marks the statement that keeps ClickHouse's command line alive; every other one is a client's. */
const launcherMark = 'millrace_engine'
const stopWithinMs = 1500
const readyWithinMs = 60_000
const checkEveryMs = 5000
/** Long, because a machine under full load is not an engine that has gone. */
const checkWithinMs = 20_000
const maxFailedChecks = 3

/** From then on a plain exit would hang. */
let isRunning = false

process.title = 'millrace engine'
watchSupervisor(process.argv[3])

try {
  await run(JSON.parse(process.argv[2] ?? '{}') as EngineOptions)
} catch (error) {
  const { message, code } = toPipelineError(error)
  process.stderr.write(`engine: ${message}\n`)
  endProcess(code === 'config' ? 3 : 1)
}

async function run(options: EngineOptions): Promise<void> {
  checkEngineOptions(options)
  const library = findEngineLibrary()
  const root = join(options.dataDir, 'engine')
  const path = join(root, 'store')
  const conf = join(root, 'conf')
  const work = join(root, 'work')
  const runFile = engineRunFile(options.dataDir)
  for (const folder of [path, conf, work, join(options.dataDir, 'run')])
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  // clickhouse-local reads config.xml and users.xml of its working directory, so that is an empty one of its own.
  process.chdir(work)

  const users = engineUsers(options)
  writeFileSync(join(conf, 'users.xml'), users.xml, { mode: 0o600 })
  writeFileSync(join(conf, 'config.xml'), configXml(options, path), { mode: 0o600 })
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`

  open({ library: 'libc', path: '' }) // '' is this process, which has libc
  open({ library: 'chdb', path: library })
  const args = [
    'clickhouse',
    `--path=${path}`, // absolute: a relative one breaks fsync_part_directory
    `--config-file=${join(conf, 'config.xml')}`,
    `--http_port=${port}`,
    '--listen_host=127.0.0.1',
    `--query=SYSTEM START LISTEN HTTP; SELECT sleep(0.5) AS ${launcherMark} FROM system.numbers SETTINGS max_block_size = 1 FORMAT Null`,
  ]
  isRunning = true
  const ended = load({
    library: 'chdb',
    funcName: 'chdb_query_cmdline',
    retType: DataType.External,
    paramsType: [DataType.I32, DataType.StringArray],
    paramsValue: [args.length, args],
    runInNewThread: true,
  }) as unknown as Promise<unknown>
  void ended.finally(() => {
    process.stderr.write(`engine: ${whyEnded(path)}
`)
    endProcess(1)
  })
  let isStopping = false
  const stop = () => {
    if (isStopping) return
    isStopping = true
    rmSync(runFile, { force: true })
    setTimeout(endProcess, stopWithinMs, 0)
    void othersDone(url, users.service)
      .catch(() => {})
      .then(() => endProcess(0))
  }
  process.on('SIGTERM', stop)
  process.on('SIGINT', () => {}) // the supervisor says when

  await ready(url)
  await makeDatabase(url, users.service)
  writeEngineRun(runFile, {
    pid: process.pid,
    url,
    database: databaseName,
    service: users.service,
    asking: users.asking,
  })
  watchListener(url, () => isStopping)
  keepCompiled()
  // Again when the migrations and the first questions of a start are over: they touch much that an idle engine never does.
  for (const ms of [2000, 6000]) setTimeout(releaseStartPages, ms).unref()
}

/** The engine's process follows its supervisor into death, whatever ClickHouse is doing. */
function watchSupervisor(fd: string | undefined): void {
  const end = () => process.kill(process.pid, 'SIGKILL')
  if (process.channel !== undefined) {
    process.on('disconnect', end)
    return
  }
  if (fd === undefined) return // started by hand, without a supervisor
  const pipe = new Socket({ fd: Number(fd), readable: true, writable: false })
  pipe.on('error', end)
  pipe.on('close', end)
  pipe.resume()
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.on('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      const port = address === null || typeof address === 'string' ? 0 : address.port
      server.close(() => resolve(port))
    })
  })
}

async function ready(url: string): Promise<void> {
  const deadline = Date.now() + readyWithinMs
  while (Date.now() < deadline) {
    try {
      if (await answers(url)) return
    } catch {
      // not listening yet
    }
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new PipelineError('unavailable', `the engine did not answer within ${readyWithinMs / 1000} s`)
}

/** Before anybody is told of the engine: every user's default database. The engine's own `default` is an Overlay, ours is not. */
async function makeDatabase(url: string, login: Login): Promise<void> {
  const answer = await fetch(`${url}/?database=system`, {
    method: 'POST',
    headers: headersOf(login),
    body: createDatabase(databaseName),
  })
  const text = await answer.text()
  if (!answer.ok) throw new PipelineError('internal', `the engine could not make its database: ${text.trim()}`)
}

function headersOf({ user, password }: Login): Record<string, string> {
  return { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password }
}

async function answers(url: string): Promise<boolean> {
  const answer = await fetch(`${url}/ping`, { signal: AbortSignal.timeout(checkWithinMs) })
  await answer.text()
  return answer.ok
}

/** An engine that no longer listens is of no use while it holds the data: end it, so that it is started again. */
function watchListener(url: string, isStopping: () => boolean): void {
  let failures = 0
  const check = async () => {
    failures = (await answers(url).catch(() => false)) ? 0 : failures + 1
    if (failures < maxFailedChecks || isStopping()) return
    process.stderr.write(`engine: ${url} did not answer ${maxFailedChecks} times in a row\n`)
    process.kill(process.pid, 'SIGKILL')
  }
  setInterval(() => void check(), checkEveryMs).unref()
}

/**
 * Resolves when no statement but the launcher's is running. Nothing more is needed for a clean end: what was answered is synced.
 * ClickHouse's own shutdown would wait for clients to close their idle connections.
 */
async function othersDone(url: string, login: Login): Promise<void> {
  const headers = headersOf(login)
  const body = `SELECT count() FROM system.processes WHERE query NOT LIKE '%${launcherMark}%'`
  while ((await (await fetch(url, { method: 'POST', headers, body })).text()).trim() !== '0')
    await new Promise((resolve) => setTimeout(resolve, 20))
}

/** Once ClickHouse runs, without the exit handlers of it and of Node, which wait for threads that never end. */
function endProcess(code: number): never {
  if (isRunning)
    load({
      library: 'libc',
      funcName: '_exit',
      retType: DataType.Void,
      paramsType: [DataType.I32],
      paramsValue: [code],
    })
  process.exit(code)
}

/** ClickHouse has said on stderr what is wrong; the common case deserves a clear sentence. */
function whyEnded(path: string): string {
  const status = readStatus(join(path, 'status'))
  const holder = /^PID: (\d+)/.exec(status)?.[1]
  if (holder !== undefined && Number(holder) !== process.pid && isAlive(Number(holder)))
    return `${path} is held by process ${holder}; stop it, or use another data directory`
  return 'ClickHouse ended by itself; its own message is above'
}

function readStatus(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
