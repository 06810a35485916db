import { type ChildProcess, spawn } from 'node:child_process'
import { afterEach, describe, expect, it } from 'vitest'
import type { Clock } from '../core/clock.ts'
import { silentLogger } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import { type SupervisedChild, superviseChild } from './child.ts'
import { processMark } from './process-mark.ts'

const supervised: SupervisedChild<string>[] = []
afterEach(async () => {
  for (const child of supervised.splice(0)) await child.stop(0)
})

/** Time goes on only while somebody sleeps, at once. */
function fastClock(): Clock & { readonly slept: number[] } {
  const slept: number[] = []
  let now = 0
  return {
    slept,
    now: () => now,
    async sleep(ms, signal) {
      signal.throwIfAborted()
      slept.push(ms)
      now += ms
      await new Promise((resolve) => setImmediate(resolve))
      signal.throwIfAborted()
    },
  }
}

const serves = "process.send('ready');setInterval(()=>{},1e6)"
const stubborn = "process.on('SIGTERM',()=>process.send('no'));process.send('ready');setInterval(()=>{},1e6)"
const dies = 'process.exit(3)'

/** Supervises children that run these programs, one after the other; the last one again and again. */
function supervise(...codes: readonly string[]) {
  const clock = fastClock()
  const givenUp: PipelineError[] = []
  const started: ChildProcess[] = []
  const child = superviseChild<string>(
    {
      role: 'toy',
      start() {
        const code = codes[Math.min(started.length, codes.length - 1)]!
        if (code === 'throw') throw new Error('no more processes')
        const made = spawn(code === 'missing' ? '/nowhere/node' : process.execPath, ['-e', code], {
          stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
        })
        started.push(made)
        return made
      },
      ready: (process, signal) =>
        new Promise((resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
          process.on('message', (message) => {
            if (message === 'ready') resolve('serving')
            else if (typeof message === 'object') {
              const { code: why, message: text } = message as { code: 'config'; message: string }
              reject(new PipelineError(why, text))
            }
          })
        }),
    },
    (error) => givenUp.push(error),
    { clock, logger: silentLogger },
  )
  supervised.push(child)
  return { child, clock, givenUp, started }
}

async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 5))
}

describe('a supervised child', () => {
  it('is started again each time it ends, at once and then with growing pauses', async () => {
    const { child, clock, started } = supervise(serves)
    expect(await child.firstReady).toBe('serving')
    for (let life = 1; life <= 7; life++) {
      started[life - 1]!.kill('SIGKILL')
      await until(() => started.length === life + 1)
    }
    expect(clock.slept).toEqual([0, 100, 250, 500, 1000, 1000, 1000])
    expect(child.restarts()).toBe(7)
    expect(child.pid()).toBe(started[7]!.pid)
  })

  it('is given up after 5 ends when it never was ready, saying how it ended', async () => {
    const { child, givenUp, started } = supervise(dies)
    await expect(child.firstReady).rejects.toThrow(
      'toy ended 5 times before it was ready, the last time with exit code 3',
    )
    expect(givenUp).toHaveLength(1)
    expect(started).toHaveLength(5)
    expect(child.pid()).toBeNull()
  })

  it('is tried for ever when it was ready once', async () => {
    const { child, givenUp, started } = supervise(serves, dies, dies, dies, dies, dies, dies, dies, serves)
    await child.firstReady
    started[0]!.kill('SIGKILL')
    await until(() => started.length === 9)
    expect(givenUp).toEqual([])
  })

  it('is given up at once when it says that its configuration is wrong', async () => {
    const { child, givenUp, started } = supervise(
      "process.send({code:'config',message:'port 1 is taken'},()=>process.exit(1))",
    )
    await expect(child.firstReady).rejects.toThrow(/^toy ended before it was ready.*: port 1 is taken$/)
    expect([givenUp[0]?.code, started.length]).toEqual(['config', 1])
  })

  it('is tried again when it says why and that may pass', async () => {
    const { child } = supervise("process.send({code:'unavailable',message:'not yet'},()=>process.exit(1))", serves)
    expect(await child.firstReady).toBe('serving')
  })

  it.each([
    ['missing', /the last time with error spawn \/nowhere\/node ENOENT/],
    ['throw', /an error at its start: no more processes/],
  ])('is given up when it cannot even be spawned (%s)', async (code, message) => {
    const { child } = supervise(code)
    await expect(child.firstReady).rejects.toThrow(message)
    await child.stop(0)
  })

  it('goes on when a message to it cannot be sent', async () => {
    const { child, started } = supervise(serves)
    await child.firstReady
    started[0]!.disconnect()
    started[0]!.send('too late')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([child.restarts(), child.pid()]).toEqual([0, started[0]!.pid])
  })
})

describe('stopping', () => {
  it('asks with SIGTERM and waits for the end', async () => {
    const { child, started } = supervise(
      "process.on('SIGTERM',()=>process.exit(0));process.send('ready');setInterval(()=>{},1e6)",
    )
    await child.firstReady
    await child.stop(60_000)
    expect([started[0]!.exitCode, started.length, child.pid()]).toEqual([0, 1, null])
  })

  it('insists with SIGKILL when the grace has passed', async () => {
    const { child, started } = supervise(stubborn)
    await child.firstReady
    const pid = started[0]!.pid!
    const refused = new Promise((resolve) =>
      started[0]!.on('message', (message) => message === 'no' && resolve(message)),
    )
    await Promise.all([child.stop(300), refused])
    expect(started[0]!.signalCode).toBe('SIGKILL')
    expect(processMark(pid)).toBeUndefined()
  })

  it('tells those who still wait for it to be ready', async () => {
    const { child } = supervise('setInterval(()=>{},1e6)')
    await child.stop(1000)
    await expect(child.firstReady).rejects.toMatchObject({ code: 'cancelled' })
  })

  it('may be asked for twice, and after the child was given up', async () => {
    const { child } = supervise(dies)
    await child.firstReady.catch(() => {})
    await Promise.all([child.stop(100), child.stop(100)])
  })
})
