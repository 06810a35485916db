import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { endLeftovers, lockDataDirectory, writePid } from './lock.ts'
import { processMark } from './process-mark.ts'
import { readRunFile, removeRunFiles, writeRunFile } from './run-file.ts'

let dataDir: string
const children: ChildProcess[] = []

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-lock-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) await end(child)
  rmSync(dataDir, { recursive: true, force: true })
})

/** A process that lives until it is killed; SIGTERM does not impress it. */
async function sleeper(): Promise<ChildProcess & { pid: number }> {
  const child = spawn(process.execPath, ['-e', "process.on('SIGTERM',()=>{});setInterval(()=>{},1e6);console.log()"])
  children.push(child)
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return child as ChildProcess & { pid: number }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await exit
}

const lockFile = () => join(dataDir, 'LOCK')
const holds = (content: unknown) =>
  writeFileSync(lockFile(), typeof content === 'string' ? content : JSON.stringify(content))
const holder = () => JSON.parse(readFileSync(lockFile(), 'utf8')) as { pid: number; mark: string }

describe('processMark', () => {
  it('is the same for one process and different for another', async () => {
    const { pid } = await sleeper()
    expect(processMark(pid)).toBe(processMark(pid))
    expect(processMark(process.pid)).toBeDefined()
    expect(processMark(pid)).not.toBe(processMark(process.pid))
  })

  it('is undefined when no such process runs', async () => {
    const child = await sleeper()
    await end(child)
    expect(processMark(child.pid)).toBeUndefined()
    expect(processMark(-1)).toBeUndefined()
  })

  it('is not confused by a process that calls itself something odd', async () => {
    const child = spawn(process.execPath, ['-e', "process.title='a) Z 1 (b';setInterval(()=>{},1e6);console.log()"])
    children.push(child)
    await new Promise((resolve) => child.stdout.once('data', resolve))
    expect(processMark(child.pid!)).toMatch(/\d/)
  })
})

describe('the lock of a data directory', () => {
  it('is refused while its holder lives, naming it', async () => {
    const { pid } = await sleeper()
    holds({ pid, mark: processMark(pid), since: '2026-11-21T00:00:00.000Z' })
    expect(() => lockDataDirectory(dataDir)).toThrow(
      expect.objectContaining({
        code: 'conflict',
        message: `${dataDir} is held by process ${pid} (since 2026-11-21T00:00:00.000Z); stop it, or start with another --data`,
      }),
    )
    expect(holder().pid).toBe(pid)
  })

  it('is taken over from a holder that died', async () => {
    const child = await sleeper()
    holds({ pid: child.pid, mark: processMark(child.pid), since: 'x' })
    await end(child)
    lockDataDirectory(dataDir)
    expect(holder().pid).toBe(process.pid)
  })

  it("is taken over when the holder's pid now belongs to another process", async () => {
    const { pid } = await sleeper()
    holds({ pid, mark: 'of a process that started earlier', since: 'x' })
    lockDataDirectory(dataDir)
    expect(holder().pid).toBe(process.pid)
  })

  it.each(['', '{"pid":12', '{}', 'null', '[]', '{"pid":"1"}', '{"pid":-1,"mark":"1"}', '{"pid":999999999,"mark":""}'])(
    'is taken over when it holds %j',
    (content) => {
      holds(content)
      lockDataDirectory(dataDir)
      expect(holder().pid).toBe(process.pid)
    },
  )

  it('is free again after its release, and leaves nothing else behind', () => {
    const lock = lockDataDirectory(dataDir)
    expect(() => lockDataDirectory(dataDir)).toThrow(/is held by process/)
    lock.release()
    expect(readdirSync(dataDir)).toEqual(['run'])
    lockDataDirectory(dataDir).release()
  })

  it('is not released when somebody else has it meanwhile', async () => {
    const lock = lockDataDirectory(dataDir)
    const { pid } = await sleeper()
    holds({ pid, mark: processMark(pid), since: 'x' })
    lock.release()
    expect(existsSync(lockFile())).toBe(true)
  })

  it('goes to one of several that start at the same time over a stale one', async () => {
    holds({ pid: 999_999, mark: '1', since: 'x' })
    const code = `
      import { lockDataDirectory } from ${JSON.stringify(join(import.meta.dirname, 'lock.ts'))}
      try { lockDataDirectory(${JSON.stringify(dataDir)}); console.log('got it') } catch { console.log('refused') }
      setInterval(() => {}, 1e6)`
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
        children.push(child)
        return new Promise<string>((resolve) =>
          child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim())),
        )
      }),
    )
    expect(answers.toSorted()).toEqual(['got it', ...Array.from({ length: 5 }, () => 'refused')])
  })
})

describe('what an earlier run left behind', () => {
  it('is ended, whatever it thinks of that, and its pid files go', async () => {
    mkdirSync(join(dataDir, 'run'))
    const child = await sleeper()
    writePid(dataDir, 'engine', child.pid)
    const exit = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)))
    await endLeftovers(dataDir, 50)
    expect(await exit).toBe('SIGKILL')
    expect(readdirSync(join(dataDir, 'run'))).toEqual([])
  })

  it('is left alone when the pid belongs to another process now, or to ourselves', async () => {
    mkdirSync(join(dataDir, 'run'))
    const child = await sleeper()
    writeFileSync(join(dataDir, 'run', 'worker.pid'), JSON.stringify({ pid: child.pid, mark: 'older' }))
    writeFileSync(join(dataDir, 'run', 'collector.pid'), '{"pid":')
    writeFileSync(join(dataDir, 'run', 'engine.pid'), '{}')
    writePid(dataDir, 'supervisor', process.pid)
    await endLeftovers(dataDir, 50)
    expect(processMark(child.pid)).toBeDefined()
  })

  it('may be nothing at all', async () => {
    await expect(endLeftovers(join(dataDir, 'none'), 50)).resolves.toBeUndefined()
  })
})

describe('run files', () => {
  beforeEach(() => mkdirSync(join(dataDir, 'run')))

  it('are read as written, by their owner only', () => {
    writeRunFile(dataDir, 'collector', { url: 'http://127.0.0.1:1' })
    expect(readRunFile(dataDir, 'collector.json')).toEqual({ url: 'http://127.0.0.1:1' })
    expect(statSync(join(dataDir, 'run', 'collector.json')).mode & 0o777).toBe(0o600)
    expect(readdirSync(join(dataDir, 'run'))).toEqual(['collector.json'])
  })

  it('are undefined when absent or torn', () => {
    writeFileSync(join(dataDir, 'run', 'worker.json'), '{"url":')
    expect(readRunFile(dataDir, 'worker.json')).toBeUndefined()
    expect(readRunFile(dataDir, 'collector.json')).toBeUndefined()
  })

  it('are gone after a stop', () => {
    writeRunFile(dataDir, 'collector', {})
    writePid(dataDir, 'worker', process.pid)
    removeRunFiles(dataDir)
    expect(readdirSync(join(dataDir, 'run'))).toEqual([])
  })
})
