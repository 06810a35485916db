import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { engineArguments, engineReady } from './engine/engine.ts'
import type { EngineOptions } from './engine/options.ts'
import { type EngineRun, engineRunFile } from './engine/run-file.ts'

/** A real engine process in a directory of its own, for the driver's tests. */
export interface EngineFixture {
  readonly options: EngineOptions
  readonly runFile: string
  child(): ChildProcess
  run(): EngineRun
  stderr(): string
  start(): Promise<void>
  /** Resolves with how it ended. */
  end(signal: NodeJS.Signals): Promise<string>
  close(): Promise<void>
}

export function engineFixture(options: Partial<EngineOptions> = {}): EngineFixture {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'millrace-engine-'))
  const all: EngineOptions = {
    projects: ['default'],
    ask: { seconds: 10, memoryBytes: 512e6, rows: 100_000 },
    memoryBytes: 1.5e9,
    ...options,
    dataDir,
  }
  let child: ChildProcess | undefined
  let run: EngineRun | undefined
  let stderr = ''
  let ended: Promise<string> = Promise.resolve('never started')
  return {
    options: all,
    runFile: engineRunFile(dataDir),
    child: () => child!,
    run: () => run!,
    stderr: () => stderr,
    async start() {
      const started = spawn(process.execPath, engineArguments(all), { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
      child = started
      started.stderr!.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
      ended = new Promise((resolve) => started.once('close', (code, signal) => resolve(signal ?? `exit ${code}`)))
      const gone = new AbortController()
      void ended.then((how) => gone.abort(new Error(`the engine ended: ${how} ${stderr}`)))
      run = await engineReady(dataDir, started.pid!, AbortSignal.any([gone.signal, AbortSignal.timeout(30_000)]))
    },
    end(signal) {
      child?.kill(signal)
      return ended
    },
    async close() {
      child?.kill('SIGKILL')
      await ended
      if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true })
    },
  }
}
