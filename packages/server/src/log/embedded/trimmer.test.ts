import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { never } from '../log.contract.ts'
import { createAppender } from './appender.ts'
import { openBell } from './bell.ts'
import { type Environment, openEnvironment } from './environment.ts'
import { numbers, partitionKey } from './keys.ts'
import { floorOf, type Layout } from './layout.ts'
import { createTrimmer } from './trimmer.ts'

const hour = 3_600_000

describe('trimming the embedded log', () => {
  let dir: string
  let env: Environment
  let layout: Layout
  let now: number
  const clock = { ...systemClock, now: () => now }
  beforeEach(async () => {
    now = 1_000 * hour
    dir = mkdtempSync(join(tmpdir(), 'millrace-log-'))
    env = openEnvironment({ dir, mapBytes: 2 ** 40 })
    layout = { env, partitionsOf: () => 1 }
    for (const topic of ['events', 'quarantine', 'outcomes', 'deadletters'] as const)
      for (const tree of ['heads', 'floors'] as const)
        await env.transact(
          [{ tree, key: partitionKey(topic, 0), version: null }],
          [{ tree, key: partitionKey(topic, 0), value: numbers(0, 0), version: 0 }],
        )
  })
  afterEach(async () => {
    await env.close()
    rmSync(dir, { recursive: true })
  })

  const openAppender = () => {
    const bell = openBell(dir)
    const appender = createAppender({
      layout,
      bell,
      clock,
      prepareCommit: () => ({ condition: { tree: 'groups', key: Buffer.from('x'), version: 0 }, writes: [] }),
    })
    const append = (size: number) =>
      appender.append([{ topic: 'events', partition: 0, value: new Uint8Array(size) }], undefined, never)
    return { append, close: () => appender.stop().then(() => bell.close()) }
  }
  const first = () => {
    env.refresh()
    return floorOf(env, 'events', 0).first
  }

  it('forgets what is before the position, never what is not there yet, and counts fewer bytes', async () => {
    const trimmer = createTrimmer(layout)
    const { append, close } = openAppender()
    for (let i = 0; i < 10; i++) {
      await append(10_000)
      now += hour
    }
    const all = trimmer.bytes()
    await trimmer.trim({ topic: 'events', partition: 0, offset: 7 })
    expect(first()).toBe(7)
    expect(trimmer.bytes()).toBeLessThan(all * 0.5)
    await trimmer.trim({ topic: 'events', partition: 0, offset: 3 })
    expect(first()).toBe(7)
    await trimmer.trim({ topic: 'events', partition: 0, offset: 1000 })
    expect(first()).toBe(10)
    expect(trimmer.bytes()).toBe(0)
    await close()
  })

  it('forgets many records in several transactions', async () => {
    const trimmer = createTrimmer(layout)
    const { append, close } = openAppender()
    await Promise.all(Array.from({ length: 700 }, () => append(10)))
    await trimmer.trim({ topic: 'events', partition: 0, offset: 699 })
    expect(first()).toBe(699)
    await close()
  })

  it('uses the room of forgotten records again instead of growing', async () => {
    const trimmer = createTrimmer(layout)
    const { append, close } = openAppender()
    const sizes: number[] = []
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 8; i++) await append(36_000 + i * 1000)
      await trimmer.trim({ topic: 'events', partition: 0, offset: (round + 1) * 8 })
      sizes.push(env.fileBytes())
    }
    expect(sizes.at(-1)).toBeLessThanOrEqual((sizes[3] ?? 0) * 1.5)
    await close()
  })
})
