import { stat } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { silentLogger } from '../../core/deps.ts'
import { createBreaker } from './shared-breaker.ts'

const file = import.meta.filename

it('takes an answer that came while this process stood still', async () => {
  const breaker = createBreaker({ failures: 1, openMs: 60_000, timeoutMs: 10 }, silentLogger)
  const answer = breaker.run(() => stat(file))
  // A pause of the whole process: the machine slept, or somebody stopped it. The answer is there when it goes on, and the time is over.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  expect(await answer).toBeDefined()
  expect(await breaker.run(async () => 'asked')).toBe('asked')
})

it('asks no more after too many failures in a row', async () => {
  const breaker = createBreaker({ failures: 2, openMs: 60_000, timeoutMs: 5 }, silentLogger)
  expect(await breaker.run(() => new Promise(() => {}))).toBeUndefined()
  expect(await breaker.run(() => Promise.reject(new Error('away')))).toBeUndefined()
  expect(await breaker.run(async () => 'asked')).toBeUndefined()
})
