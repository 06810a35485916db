import { systemClock } from '../core/clock.ts'
import { testCache } from '../kv/cache.contract.ts'
import { memoryCache } from './memory-cache.ts'

testCache('memory', async () => {
  let passed = 0
  const one = memoryCache({ clock: { now: () => Date.now() + passed, sleep: systemClock.sleep } })
  const other = one.another()
  return {
    one,
    other,
    async advance(ms) {
      passed += ms
    },
    async close() {
      await one.stop()
      await other.stop()
    },
  }
})
