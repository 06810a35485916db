import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { never } from '../log.contract.ts'
import { createAppender } from './appender.ts'
import { openBell } from './bell.ts'
import { type Environment, openEnvironment } from './environment.ts'
import { addMember } from './group-state.ts'
import { createGroupStore, type GroupStore } from './group-store.ts'
import { numbers, partitionKey, positionKey, positionValue } from './keys.ts'
import { floorOf, type Layout } from './layout.ts'
import { createRetention } from './retention.ts'

const hour = 3_600_000

describe('retention of the embedded log', () => {
  let dir: string
  let env: Environment
  let layout: Layout
  let groups: GroupStore
  let now: number
  const clock = { ...systemClock, now: () => now }
  beforeEach(async () => {
    now = 1_000 * hour
    dir = mkdtempSync(join(tmpdir(), 'millrace-log-'))
    env = openEnvironment({ dir, mapBytes: 2 ** 40 })
    layout = { env, partitionsOf: () => 1 }
    groups = createGroupStore(layout)
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

  /** One record an hour, each of ten kilobytes. */
  async function appendHourly(count: number): Promise<void> {
    const bell = openBell(dir)
    const appender = createAppender({
      layout,
      bell,
      clock,
      prepareCommit: () => ({ condition: { tree: 'groups', key: Buffer.from('x'), version: 0 }, writes: [] }),
    })
    for (let i = 0; i < count; i++) {
      await appender.append([{ topic: 'events', partition: 0, value: new Uint8Array(10_000) }], undefined, never)
      now += hour
    }
    await appender.stop()
    bell.close()
  }
  const sweeper = (limits: { hours: number; bytes: number }) =>
    createRetention(layout, groups, clock, { ...limits, protects: ['load'] })
  const first = () => {
    env.refresh()
    return floorOf(env, 'events', 0).first
  }
  async function commitLoad(offset: number): Promise<void> {
    const id = { id: 'm', instance: 'i', pid: 1, topics: ['events'] as const }
    const { generation } = await groups.update('load', (state) => addMember(state, id))
    await env.transact(
      [{ tree: 'groups', key: Buffer.from('load'), version: generation }],
      [{ tree: 'positions', key: positionKey('load', 'events', 0), value: positionValue(offset, '') }],
    )
    env.refresh()
  }

  it('forgets what is older than the hours, to the minute', async () => {
    await appendHourly(10)
    await commitLoad(10)
    // The last was appended an hour ago.
    await sweeper({ hours: 3.5, bytes: 1e9 }).sweep()
    expect(first()).toBe(7)
    await sweeper({ hours: 3.5, bytes: 1e9 }).sweep()
    expect(first()).toBe(7)
  })

  it('forgets the oldest when there are too many bytes', async () => {
    await appendHourly(10)
    await commitLoad(10)
    const retention = sweeper({ hours: 1e6, bytes: 40_000 })
    await retention.sweep()
    expect(retention.bytes()).toBeLessThanOrEqual(40_000)
    expect(first()).toBe(7)
  })

  it('keeps what load has not committed, however old and however much', async () => {
    await appendHourly(10)
    const retention = sweeper({ hours: 1, bytes: 1 })
    await retention.sweep()
    // Load has never been seen: it may need everything.
    expect(first()).toBe(0)
    await commitLoad(4)
    await retention.sweep()
    expect(first()).toBe(4)
    await commitLoad(10)
    await retention.sweep()
    expect(first()).toBe(10)
    expect(retention.bytes()).toBe(0)
  })

  it('forgets topics that load does not read by their age alone', async () => {
    await commitLoad(0)
    const bell = openBell(dir)
    const appender = createAppender({
      layout,
      bell,
      clock,
      prepareCommit: () => ({ condition: { tree: 'groups', key: Buffer.from('x'), version: 0 }, writes: [] }),
    })
    for (const topic of ['events', 'deadletters'] as const)
      await appender.append([{ topic, partition: 0, value: new Uint8Array(10) }], undefined, never)
    now += 10 * hour
    await sweeper({ hours: 1, bytes: 1e9 }).sweep()
    env.refresh()
    expect(floorOf(env, 'deadletters', 0).first).toBe(1)
    expect(floorOf(env, 'events', 0).first).toBe(0)
    bell.close()
  })

  it('uses the room of forgotten records again instead of growing', async () => {
    const bell = openBell(dir)
    const appender = createAppender({
      layout,
      bell,
      clock,
      prepareCommit: () => ({ condition: { tree: 'groups', key: Buffer.from('x'), version: 0 }, writes: [] }),
    })
    const retention = sweeper({ hours: 1e6, bytes: 1e9 })
    const sizes: number[] = []
    for (let round = 0; round < 12; round++) {
      for (let i = 0; i < 8; i++)
        await appender.append(
          [{ topic: 'events', partition: 0, value: new Uint8Array(36_000 + i * 1000) }],
          undefined,
          never,
        )
      await retention.trim({ topic: 'events', partition: 0, offset: (round + 1) * 8 })
      sizes.push(env.fileBytes())
    }
    expect(sizes.at(-1)).toBeLessThanOrEqual((sizes[3] ?? 0) * 1.5)
    bell.close()
  })
})
