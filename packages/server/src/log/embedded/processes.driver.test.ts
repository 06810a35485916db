import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import { codeOf, never, readAll, record, text } from '../log.contract.ts'
import type { Committed, Log, Position } from '../log.ts'
import { createEmbeddedLog } from './create-embedded-log.ts'
import type { ChildCommand } from './log-child.ts'

const partitions = 2

interface Child {
  ask(command: ChildCommand): Promise<unknown>
  readonly acknowledged: number[]
  kill(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): Promise<void>
}

describe('the embedded driver with several processes', () => {
  let dir: string
  let log: Log
  const children: ChildProcess[] = []
  const open = async () => {
    const opened = createEmbeddedLog(
      { dir, partitions, leaseMs: 1500 },
      { clock: systemClock, logger: silentLogger, metrics: new Registry() },
    )
    await opened.start(never)
    return opened
  }
  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), 'millrace-log-'))
    log = await open()
  })
  afterEach(async () => {
    for (const child of children.splice(0)) child.kill('SIGKILL')
    await log.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  async function start(): Promise<Child> {
    const child = fork(join(import.meta.dirname, 'log-child.ts'), [dir, String(partitions), '1500'], { execArgv: [] })
    children.push(child)
    const acknowledged: number[] = []
    const answers = new Map<number, (answer: { result?: unknown; error?: string }) => void>()
    const ready = once(child, 'message')
    child.on('message', (message: { id?: number; result?: unknown; error?: string; acknowledged?: number }) => {
      if (message.acknowledged !== undefined) acknowledged.push(message.acknowledged)
      if (message.id !== undefined) answers.get(message.id)?.(message)
    })
    await ready
    let asked = 0
    return {
      acknowledged,
      ask: (command) =>
        new Promise((resolve, reject) => {
          const id = ++asked
          answers.set(id, ({ result, error }) => (error === undefined ? resolve(result) : reject(new Error(error))))
          child.send({ id, command })
        }),
      async kill(signal) {
        child.kill(signal)
        if (signal === 'SIGKILL') await once(child, 'exit')
      },
    }
  }

  it('wakes a waiting reader for what another process appends', async () => {
    const child = await start()
    const waiting = log.read({ topic: 'events', partition: 1, offset: 0 }, { bytes: 10, waitMs: 60_000 }, never)
    await child.ask({ do: 'append', records: [{ topic: 'events', partition: 1, value: 'from afar' }] })
    expect((await waiting).map(({ value }) => text(value))).toEqual(['from afar'])
  })

  it('keeps every record when processes append to one partition at once', async () => {
    const others = await Promise.all([start(), start()])
    const place = { topic: 'events', partition: 0 } as const
    const acknowledged = new Map<number, string>()
    const appendAll = async (who: string, append: (value: string) => Promise<readonly Position[]>) => {
      for (let i = 0; i < 40; i++) {
        const [position] = await append(`${who}${i}`)
        acknowledged.set(position?.offset ?? -1, `${who}${i}`)
      }
    }
    await Promise.all([
      appendAll('me', (value) => log.append([record('events', 0, value)], {}, never)),
      ...others.map((child, n) =>
        appendAll(
          `c${n}-`,
          async (value) => (await child.ask({ do: 'append', records: [{ ...place, value }] })) as Position[],
        ),
      ),
    ])
    const found = new Map((await readAll(log, 'events', 0)).map(({ offset, value }) => [offset, text(value)]))
    expect(found.size).toBe(120)
    expect(found).toEqual(acknowledged)
  })

  it('has all that was acknowledged before kill -9, and no part of an append without the rest', async () => {
    for (const valueBytes of [10, 9000, 120_000]) {
      const child = await start()
      const before = {
        events: (await readAll(log, 'events', 0)).length,
        outcomes: (await readAll(log, 'outcomes', 0)).length,
      }
      void child.ask({ do: 'storm', valueBytes }).catch(() => undefined)
      await vi.waitFor(() => expect(child.acknowledged.length).toBeGreaterThan(15), { timeout: 30_000 })
      await child.kill('SIGKILL')
      // A new client, so that nothing of a running one's memory helps.
      await log.stop()
      log = await open()
      const events = (await readAll(log, 'events', 0)).slice(before.events)
      const outcomes = (await readAll(log, 'outcomes', 0)).slice(before.outcomes)
      expect(outcomes.length).toBeGreaterThan(Math.max(...child.acknowledged))
      expect(events.length).toBe(outcomes.length * 2)
      outcomes.forEach(({ value }, i) => {
        expect(value).toHaveLength(valueBytes)
        expect(Buffer.from(value).readUInt32LE()).toBe(i)
        expect(value.subarray(4).every((byte) => byte === (i & 0xff))).toBe(true)
      })
    }
    // And it goes on where they were: the dead left no lock behind.
    await log.append([record('events', 0, 'after')], {}, never)
  })

  it('gives the partitions of a killed process to those that live', async () => {
    const child = await start()
    await child.ask({ do: 'join', group: 'g', topics: ['events'] })
    await child.ask({ do: 'commit', positions: [{ topic: 'events', partition: 1, offset: 0 }], note: 'its plan' })
    await child.kill('SIGKILL')
    const mine = await log.join('g', ['events'], async () => {}, never)
    // At the join itself: a process that is gone needs no lease to run out.
    expect(mine.owned().map(({ partition }) => partition)).toEqual([0, 1])
    expect(mine.notes()).toEqual(['its plan'])
    await log.commit(mine, mine.owned(), '')
  })

  it('refuses the commit of a process that stood still for longer than its lease', async () => {
    const child = await start()
    await child.ask({ do: 'join', group: 'g', topics: ['events'] })
    await child.kill('SIGSTOP')
    const mine = await log.join('g', ['events'], async () => {}, never)
    await vi.waitFor(() => expect(mine.owned()).toHaveLength(2), { timeout: 20_000 })
    const commit = child.ask({ do: 'commit', positions: [{ topic: 'events', partition: 0, offset: 7 }], note: 'late' })
    await child.kill('SIGCONT')
    await expect(commit).rejects.toThrow('stale_membership')
    expect(await log.committed('g')).toEqual([])
    // It comes back as a new member and gets its share again.
    await vi.waitFor(async () => expect((await child.ask({ do: 'owned' })) as Committed[]).toHaveLength(1), {
      timeout: 20_000,
    })
    expect(mine.owned()).toHaveLength(1)
    expect(await codeOf(log.commit(mine, mine.owned()))).toBe('resolved')
  })
})
