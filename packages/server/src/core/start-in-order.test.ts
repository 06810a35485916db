import { expect, it } from 'vitest'
import type { Service } from './service.ts'
import { startInOrder } from './start-in-order.ts'

function parts(names: readonly string[], failing: { start?: string; stop?: string } = {}) {
  const said: string[] = []
  const services = names.map(
    (name): Service => ({
      async start() {
        said.push(`+${name}`)
        if (failing.start === name) throw new Error(`${name} cannot start`)
      },
      async stop() {
        said.push(`-${name}`)
        if (failing.stop === name) throw new Error(`${name} cannot stop`)
      },
    }),
  )
  return { said, all: startInOrder(services) }
}

const signal = new AbortController().signal

it('starts in order and stops in reverse, once', async () => {
  const { said, all } = parts(['a', 'b', 'c'])
  await all.start(signal)
  await all.stop()
  await all.stop()
  expect(said).toEqual(['+a', '+b', '+c', '-c', '-b', '-a'])
})

it('stops what it had started when one cannot start, and tells why', async () => {
  const { said, all } = parts(['a', 'b', 'c'], { start: 'b' })
  await expect(all.start(signal)).rejects.toThrow('b cannot start')
  expect(said).toEqual(['+a', '+b', '-b', '-a'])
})

it('stops the others when one cannot stop, and tells of it', async () => {
  const { said, all } = parts(['a', 'b', 'c'], { stop: 'b' })
  await all.start(signal)
  await expect(all.stop()).rejects.toThrow('b cannot stop')
  expect(said).toEqual(['+a', '+b', '+c', '-c', '-b', '-a'])
})

it('stops before it was started without doing anything', async () => {
  const { said, all } = parts(['a', 'b'])
  await all.stop()
  expect(said).toEqual([])
})

it('does not go on starting when it is asked to stop', async () => {
  const { said, all } = parts(['a', 'b'])
  await expect(all.start(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  expect(said).toEqual([])
})
