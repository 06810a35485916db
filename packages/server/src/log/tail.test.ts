import { describe, expect, it } from 'vitest'
import { memoryLog } from '../testing/memory-log.ts'
import { lagOf } from './lag.ts'
import { codeOf, never, record, text } from './log.contract.ts'
import type { LogRecord } from './log.ts'
import { tailOf } from './tail.ts'

async function filled() {
  const log = memoryLog({ partitions: 2 })
  await log.start(never)
  for (let i = 0; i < 6; i++)
    await log.append([record('events', i % 2, `e${i}`), record('outcomes', 0, `o${i}`)], {}, never)
  const membership = await log.join('load', ['events', 'outcomes'], async () => {}, never)
  await log.commit(membership, [{ topic: 'events', partition: 1, offset: 2 }])
  return { log, membership }
}

async function gather(chunks: AsyncIterable<readonly LogRecord[]>): Promise<string[]> {
  const values: string[] = []
  for await (const records of chunks) values.push(...records.map(({ value }) => text(value)))
  return values
}

describe('the lag of a group', () => {
  it('counts from what was committed, or from the first record held', () => {
    const bounds = new Map([
      [
        'events',
        [
          { partition: 0, first: 5, next: 9 },
          { partition: 1, first: 0, next: 4 },
          { partition: 2, first: 7, next: 7 },
        ],
      ],
    ] as const)
    const committed = [
      { topic: 'events', partition: 0, offset: 3 },
      { topic: 'events', partition: 1, offset: 3 },
    ] as const
    expect(lagOf(bounds, committed).map(({ records }) => records)).toEqual([4, 1, 0])
  })
})

describe('the tail of a group', () => {
  const all = { group: 'load', topics: ['events', 'outcomes'], maxBytes: 1000 } as const

  it('is all that the group has not committed', async () => {
    const { log } = await filled()
    expect(await gather(tailOf(log, all, never))).toEqual(['e0', 'e2', 'e4', 'e5', 'o0', 'o1', 'o2', 'o3', 'o4', 'o5'])
    expect(await gather(tailOf(log, { ...all, chunkBytes: 1 }, never))).toHaveLength(10)
    expect(await gather(tailOf(log, { ...all, group: 'nobody' }, never))).toHaveLength(12)
  })

  it('ends where the log ended when it was asked', async () => {
    const { log } = await filled()
    let seen = 0
    for await (const records of tailOf(log, { ...all, topics: ['outcomes'], chunkBytes: 2 }, never)) {
      seen += records.length
      await log.append([record('outcomes', 0, 'late')], {}, never)
    }
    expect(seen).toBe(6)
  })

  it('says how far behind the group is rather than read without bound', async () => {
    const { log } = await filled()
    expect(await codeOf(gather(tailOf(log, { ...all, maxBytes: 9 }, never)))).toBe('unavailable')
    await expect(gather(tailOf(log, { ...all, maxBytes: 9 }, never))).rejects.toMatchObject({
      details: { lagRecords: 10 },
    })
  })

  it('goes on after what was trimmed under it', async () => {
    const { log } = await filled()
    const tail = tailOf(log, { ...all, topics: ['outcomes'], chunkBytes: 2 }, never)
    await tail.next()
    await log.trim({ topic: 'outcomes', partition: 0, offset: 4 })
    expect(await gather(tail)).toEqual(['o4', 'o5'])
  })
})
