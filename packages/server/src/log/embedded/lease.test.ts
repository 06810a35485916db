import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { openLease } from './lease.ts'

let dir: string
let now: number
const clock = { ...systemClock, now: () => now }
const member = (instance: string, pid = process.pid) => ({ id: 'm', instance, pid, topics: [] })

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'millrace-lease-'))
  now = Date.now()
})
afterEach(() => rmSync(dir, { recursive: true }))

it('takes the instances of one process for alive until their leases end', () => {
  const [mine, other] = [openLease(dir, 'mine', 1000, clock), openLease(dir, 'other', 1000, clock)]
  mine.renew()
  other.renew()
  expect([mine.isAlive(member('mine')), mine.isAlive(member('other'))]).toEqual([true, true])
  now += 1500
  mine.renew()
  expect([mine.isAlive(member('mine')), mine.isAlive(member('other'))]).toEqual([true, false])
  other.renew()
  expect(mine.isAlive(member('other'))).toBe(true)
})

it('knows at once that a process of an earlier life is dead although its pid is used again', () => {
  const [mine, earlier] = [openLease(dir, 'mine', 10_000, clock), openLease(dir, 'earlier', 10_000, clock)]
  mine.renew()
  earlier.renew()
  writeFileSync(join(dir, 'members', 'earlier'), '1.5')
  expect(mine.isAlive(member('earlier'))).toBe(false)
  expect(mine.isAlive(member('mine'))).toBe(true)
})
