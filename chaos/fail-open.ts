import { pause } from '../test/support/instance.ts'
import type { RolePart } from './parts.ts'

/**
 * Adds up what all collectors, over all their lives, say of events that they stored without the word of Redis. A counter ends with its
 * process, so it is read often, and once more right before a kill: what is missing then is less than what was counted.
 */
export function createFailOpenWatch(collectors: readonly RolePart[]) {
  const seen = new Map<string, Map<string, number>>()

  async function look(collector: RolePart, ms: number): Promise<void> {
    const life = `${collector.name} ${collector.incarnation()}`
    try {
      const response = await fetch(`${collector.url}/metrics`, { signal: AbortSignal.timeout(ms) })
      const text = await response.text()
      if (life !== `${collector.name} ${collector.incarnation()}`) return
      const counts = seen.get(life) ?? new Map<string, number>()
      for (const [, reason, value] of text.matchAll(/millrace_dedup_fail_open_total\{reason="(\w+)"[^}]*\} (\d+)/g))
        counts.set(reason!, Number(value))
      seen.set(life, counts)
    } catch {
      // Away, or stopped: it stores nothing now.
    }
  }

  return {
    look,
    async watch(stop: AbortSignal): Promise<void> {
      await Promise.all(
        collectors.map(async (collector) => {
          while (!stop.aborted) {
            await look(collector, 1000)
            await pause(200)
          }
        }),
      )
    },
    byReason(): Record<string, number> {
      const sums: Record<string, number> = {}
      for (const counts of seen.values())
        for (const [reason, value] of counts) sums[reason] = (sums[reason] ?? 0) + value
      return sums
    },
  }
}
