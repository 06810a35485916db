import { describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import { goodEvent, openGateUnderTest, rawBatch } from '../testing/gate-under-test.ts'
import { createGroupCommit, type GroupCommitOptions, type Waiting, type Written } from './group-commit.ts'

const stored: Written<Waiting> = { isStored: true }
const entry = (bytes = 1): Waiting => ({ bytes })

function open(options: Partial<GroupCommitOptions<Waiting>>) {
  const settled: [number, boolean][] = []
  const group = createGroupCommit<Waiting>({
    write: async () => stored,
    verify: async () => stored,
    settle: (entries, isStored) => void settled.push([entries.length, isStored]),
    pause: () => new Promise((resolve) => setImmediate(resolve)),
    ...options,
  })
  return { group, settled }
}

function gateway() {
  let release: (written: Written<Waiting>) => void = () => {}
  const held = new Promise<Written<Waiting>>((resolve) => {
    release = resolve
  })
  return { held, release }
}

describe('group commit', () => {
  it('refuses beyond its bounds instead of growing', async () => {
    const { held, release } = gateway()
    const { group } = open({ write: () => held, maxWaiting: 3, maxWaitingBytes: 100 })
    const first = group.submit(entry())
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    const big = group.submit(entry(60))
    await expect(group.submit(entry(60))).rejects.toMatchObject({ code: 'unavailable', retryAfterSeconds: 1 })
    const small = [group.submit(entry()), group.submit(entry())]
    await expect(group.submit(entry())).rejects.toMatchObject({ code: 'unavailable' })
    release(stored)
    await Promise.all([first, big, ...small])
    expect(group.size()).toEqual({ batches: 0, bytes: 0 })
  })

  it('takes an entry that is bigger than the bound when nothing else waits', async () => {
    const { group } = open({ maxWaitingBytes: 10 })
    await group.submit(entry(1000))
  })

  it('splits what waits by the size of a commit', async () => {
    const sizes: number[] = []
    const { group } = open({
      write: async (entries) => {
        sizes.push(entries.length)
        return stored
      },
      maxCommitBytes: 25,
    })
    await Promise.all(Array.from({ length: 5 }, () => group.submit(entry(10))))
    expect(sizes).toEqual([2, 2, 1])
  })

  it('leaves claims open while nobody can tell whether the write is there, and refuses the sender meanwhile', async () => {
    let looks = 0
    let settledAt = 0
    const { group } = open({
      write: async () => {
        throw new PipelineError('unknown_result', 'lost')
      },
      verify: async () => {
        if (++looks < 4) throw new Error('the log is away')
        return stored
      },
      settle: (_, isStored) => {
        expect(isStored).toBe(true)
        settledAt = looks
      },
    })
    await expect(group.submit(entry())).rejects.toMatchObject({ code: 'unavailable', retry: 'later' })
    expect(settledAt).toBe(0)
    await group.stop()
    expect(settledAt).toBe(4)
  })

  it('refuses those who wait or come while nobody can tell, and takes them again once somebody can', async () => {
    let canTell = false
    const written: number[] = []
    const { group, settled } = open({
      write: async (entries) => {
        written.push(entries.length)
        if (written.length === 1) throw new PipelineError('unknown_result', 'lost')
        return stored
      },
      verify: async () => {
        if (!canTell) throw new Error('the log is away')
        return { isStored: false, error: new PipelineError('unavailable', 'not there') }
      },
      maxCommitBytes: 1,
    })
    const first = group.submit(entry(1))
    const behind = group.submit(entry(1))
    await expect(first).rejects.toMatchObject({ code: 'unavailable', retry: 'later' })
    await expect(behind).rejects.toMatchObject({ code: 'unavailable', retry: 'later' })
    await expect(group.submit(entry(1))).rejects.toMatchObject({ code: 'unavailable', retry: 'later' })
    expect(settled).toEqual([
      [1, false],
      [1, false],
    ])
    canTell = true
    while (settled.length < 3) await new Promise((resolve) => setImmediate(resolve))
    await group.submit(entry(1))
    expect(written).toEqual([1, 1])
    expect(settled.slice(2)).toEqual([
      [1, false],
      [1, true],
    ])
    await group.stop()
  })

  it('keeps nobody waiting for a log that hangs, and knows in the end what became of it', async () => {
    const { held, release } = gateway()
    let writes = 0
    const { group, settled } = open({
      write: () => (writes++ === 0 ? held : Promise.resolve(stored)),
      answerWithinMs: 20,
    })
    const hanging = group.submit(entry(1))
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    const behind = group.submit(entry(1))
    for (const each of [hanging, behind])
      await expect(each).rejects.toMatchObject({ code: 'unavailable', retry: 'later' })
    // Who comes now is refused at once, and what hangs keeps its claims.
    await expect(group.submit(entry(1))).rejects.toMatchObject({ code: 'unavailable' })
    expect(settled).toEqual([
      [1, false],
      [1, false],
    ])
    release(stored)
    await new Promise((resolve) => setImmediate(resolve))
    expect(settled.at(-1)).toEqual([1, true])
    await group.submit(entry(1))
    await group.stop()
  })

  it('ends when it has to stop before anybody can tell', async () => {
    const { group, settled } = open({
      write: async () => {
        throw new PipelineError('unknown_result', 'lost')
      },
      verify: () => Promise.reject(new Error('the log is away')),
      pause: () => Promise.reject(new Error('stopping')),
    })
    await expect(group.submit(entry())).rejects.toMatchObject({ code: 'unavailable' })
    await group.stop()
    expect(settled).toEqual([])
  })

  it('fails only the entries that could not be written', async () => {
    const bad = entry()
    const { group, settled } = open({
      write: async () => ({ isStored: true, failed: new Map([[bad, new PipelineError('internal', 'no')]]) }),
    })
    const good = group.submit(entry())
    await expect(group.submit(bad)).rejects.toMatchObject({ code: 'internal' })
    await good
    expect(settled).toEqual([
      [1, true],
      [1, false],
    ])
  })
})

describe('gate with a slow log', () => {
  it('keeps no more in memory than its queue and loses nothing that it took at a stop', async () => {
    let letGo = () => {}
    const blocked = new Promise<void>((resolve) => {
      letGo = resolve
    })
    const test = await openGateUnderTest({
      onAppend: () => blocked.then(() => 'store' as const),
    })
    const answers = Array.from({ length: 12_000 }, (_, i) =>
      test.accept(rawBatch([goodEvent(`e${i}`)])).then(
        ([receipt]) => receipt?.outcome,
        (error: PipelineError) => error.code,
      ),
    )
    await new Promise((resolve) => setTimeout(resolve, 50))
    const stopped = test.gate.stop()
    letGo()
    await stopped
    const told = await Promise.all(answers)
    const taken = told.filter((answer) => answer === 'stored').length
    expect(told.filter((answer) => answer === 'unavailable').length).toBe(12_000 - taken)
    expect(taken).toBeGreaterThanOrEqual(10_000)
    expect(taken).toBeLessThan(12_000)
    expect(test.events()).toHaveLength(taken)
  })
})
