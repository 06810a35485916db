import { describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import { goodEvent, openGateUnderTest, rawBatch, testDeps } from '../testing/gate-under-test.ts'
import { memoryDedup } from '../testing/memory-dedup.ts'
import { memoryLog } from '../testing/memory-log.ts'
import { createAppender } from './append.ts'
import type { DedupIndex } from './dedup/dedup-index.ts'
import { openBatch } from './gate-batch.ts'
import { createStoreOnce } from './store-once.ts'

const never = new AbortController().signal

function batchOf(ids: readonly string[]) {
  const batch = openBatch(rawBatch(ids.map((id) => goodEvent(id))))
  for (const [index, id] of ids.entries()) batch.ids[index] = id
  batch.bytes = ids.length * 100
  return batch
}

async function open(dedup: DedupIndex, maxWaiting?: number) {
  const deps = testDeps()
  const log = memoryLog()
  const appender = createAppender({ log, deps, ...(maxWaiting === undefined ? {} : { maxWaiting }) })
  await appender.start(never)
  return { log, appender, storeOnce: createStoreOnce({ dedup, appender, deps }) }
}

describe('a batch refused because too many wait for the log', () => {
  it('leaves no claim behind: sent again, its events are stored', async () => {
    const dedup = memoryDedup()
    const { appender, storeOnce } = await open(dedup, 1)
    const first = storeOnce(batchOf(['a']), '', [], never)
    await expect(storeOnce(batchOf(['b']), '', [], never)).rejects.toMatchObject({ code: 'unavailable' })
    await first
    expect(dedup.openClaims()).toBe(0)
    expect(await storeOnce(batchOf(['b']), '', [], never)).toMatchObject([{ id: 'b', outcome: 'stored' }])
    await appender.stop()
  })

  it('leaves no claim behind when it came while stopping', async () => {
    const dedup = memoryDedup()
    const { appender, storeOnce } = await open(dedup)
    await appender.stop()
    await expect(storeOnce(batchOf(['a']), 'own', [], never)).rejects.toMatchObject({ code: 'unavailable' })
    expect(dedup.openClaims()).toBe(0)
  })
})

describe('ids that cannot be claimed in a later round', () => {
  it.each(['unavailable', 'corrupt'] as const)(
    'are to be sent again, and what is stored already says so: %s',
    async (code) => {
      const inner = memoryDedup()
      let claims = 0
      const dedup: DedupIndex = {
        ...inner,
        claim(fingerprints, now) {
          if (++claims === 3) throw new PipelineError(code, 'cannot look it up')
          return inner.claim(fingerprints, now)
        },
      }
      const { appender, storeOnce } = await open(dedup)
      const others = storeOnce(batchOf(['theirs']), '', [], never)
      const receipts = await storeOnce(batchOf(['mine', 'theirs']), '', [], never)
      await others
      expect(claims).toBe(3)
      expect(receipts).toMatchObject([
        { id: 'mine', outcome: 'stored' },
        { id: 'theirs', outcome: 'retry' },
      ])
      expect(inner.openClaims()).toBe(0)
      await appender.stop()
    },
  )

  it('refuse the whole request when nothing of it is stored', async () => {
    const inner = memoryDedup()
    let claims = 0
    const dedup: DedupIndex = {
      ...inner,
      claim(fingerprints, now) {
        if (++claims === 3) throw new PipelineError('unavailable', 'cannot look it up')
        return inner.claim(fingerprints, now)
      },
    }
    const { appender, storeOnce } = await open(dedup)
    const others = storeOnce(batchOf(['theirs']), '', [], never)
    await expect(storeOnce(batchOf(['theirs']), '', [], never)).rejects.toMatchObject({ code: 'unavailable' })
    await others
    await appender.stop()
  })
})

describe('the gate under more than it can take', () => {
  it('settles every claim', async () => {
    const test = await openGateUnderTest({ onAppend: (call) => (call % 3 === 0 ? 'refuse' : 'store') })
    const ids = Array.from({ length: 200 }, (_, i) => `e${i % 60}`)
    await Promise.allSettled(ids.map((id) => test.accept(rawBatch([goodEvent(id)]))))
    expect(test.dedup.openClaims()).toBe(0)
    await test.gate.stop()
  })
})
