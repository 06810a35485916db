import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import { createEmbeddedState } from './create-embedded-state.ts'

const fixture = fileURLToPath(new URL('./kv-process.fixture.ts', import.meta.url))
const rounds = 60
let folder = ''
let children: ChildProcess[] = []

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-kv.'))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

async function openState() {
  const state = createEmbeddedState(
    { path: `${folder}/state` },
    { clock: systemClock, logger: silentLogger, metrics: new Registry() },
  )
  await state.start(new AbortController().signal)
  return state
}

describe('the embedded key-value stores', () => {
  it('serve several processes on one folder: each add is won once, no update is lost', async () => {
    children = [1, 2, 3].map(() => fork(fixture, [folder, String(rounds)]))
    await Promise.all(children.map((child) => once(child, 'message')))
    const reports = children.map((child) => once(child, 'message'))
    for (const child of children) child.send('go')
    const results = (await Promise.all(reports)).map(([report]) => report as { added: number[]; sum: number })
    const wins = results.flatMap(({ added }) => added).sort((a, b) => a - b)
    expect(wins).toEqual(Array.from({ length: rounds }, (_, i) => i))
    const state = await openState()
    expect(Buffer.from((await state.get('sum'))?.value ?? []).toString()).toBe(String(rounds * children.length))
    await state.stop()
    const ends = children.map((child) => once(child, 'exit'))
    for (const child of children) child.send('end')
    expect((await Promise.all(ends)).map(([code]) => code as number)).toEqual([0, 0, 0])
  })

  it('keep what a process put before it was killed', async () => {
    const child = fork(fixture, [folder, String(rounds)])
    children = [child]
    await once(child, 'message')
    const report = once(child, 'message')
    child.send('go')
    await report
    child.kill('SIGKILL')
    await once(child, 'exit')
    const state = await openState()
    expect(Buffer.from((await state.get('sum'))?.value ?? []).toString()).toBe(String(rounds))
    await state.stop()
  })

  it('sync a put of the state before it resolves, as the system calls show', async (test) => {
    if (!hasStrace()) return test.skip('strace is not installed or may not trace: apt-get install strace')
    const script = `
      import { Registry } from 'prom-client'
      import { writeSync } from 'node:fs'
      import { createEmbeddedState } from ${JSON.stringify(new URL('./create-embedded-state.ts', import.meta.url).href)}
      const state = createEmbeddedState({ path: process.argv[1] + '/state' }, { metrics: new Registry() })
      await state.start()
      for (let i = 0; i < 5; i++) {
        writeSync(2, 'put ' + i)
        await state.putIfVersion('key' + i, new Uint8Array(10), 0)
        writeSync(2, 'resolved ' + i)
      }
      await state.stop()`
    const trace = `${folder}/trace`
    const options = ['-f', '-qq', '-e', 'trace=fdatasync,fsync,write,pwrite64,writev,pwritev,msync', '-o', trace]
    const child = spawn('strace', [...options, process.execPath, '--input-type=module', '-e', script, folder], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    children = [child]
    expect((await once(child, 'exit'))[0]).toBe(0)
    const calls = readFileSync(trace, 'utf8').split('\n')
    const at = (text: string) => calls.findIndex((call) => call.includes(text))
    for (let i = 0; i < 5; i++) {
      const between = calls.slice(at(`"put ${i}"`), at(`"resolved ${i}"`))
      const lastData = between.findLastIndex((call) => /pwrite64|pwritev|writev/.test(call))
      const lastSync = between.findLastIndex((call) =>
        /(fdatasync|fsync|msync).*= 0|<\.\.\. (fdatasync|fsync|msync) resumed.*= 0/.test(call),
      )
      expect(lastData, 'the put wrote something').toBeGreaterThan(-1)
      expect(lastSync, `a sync ends before the put ${i} resolves`).toBeGreaterThan(-1)
    }
  })
})

function hasStrace(): boolean {
  if (process.platform !== 'linux' || !['/usr/bin/strace', '/bin/strace'].some(existsSync)) return false
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', '/bin/true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
