/** One of several processes of `embedded-kv.driver.test.ts`: does the same work as the others, on the same folder. */
import { Registry } from 'prom-client'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import { createEmbeddedCache } from './create-embedded-cache.ts'
import { createEmbeddedState } from './create-embedded-state.ts'

const [path = '', rounds = '0'] = process.argv.slice(2)
const deps = { clock: systemClock, logger: silentLogger, metrics: new Registry() }
const cache = createEmbeddedCache({ path: `${path}/cache`, maxBytes: 1e8 }, deps)
const state = createEmbeddedState({ path: `${path}/state` }, deps)
const signal = new AbortController().signal
await cache.start(signal)
await state.start(signal)

const mine = new TextEncoder().encode(String(process.pid))
const added: number[] = []
let sum = 0
// Both say that they are up before either begins, so that the work overlaps.
process.send?.('up')
await new Promise((resolve) => process.once('message', resolve))
for (let i = 0; i < Number(rounds); i++) {
  const results = await Promise.all(Array.from({ length: 10 }, () => cache.add(`key${i}`, mine, 60_000)))
  for (const won of results) if (won) added.push(i)
  for (;;) {
    const current = await state.get('sum')
    const value = Number(current === undefined ? 0 : Buffer.from(current.value).toString()) + 1
    if (await state.putIfVersion('sum', new TextEncoder().encode(String(value)), current?.version ?? 0)) break
  }
  sum++
}
process.send?.({ added, sum })
await new Promise((resolve) => process.once('message', resolve))
await cache.stop()
await state.stop()
process.disconnect()
