import type { Deps } from '../core/deps.ts'
import type { Service } from '../core/service.ts'
import type { State } from '../kv/state.ts'
import type { Log } from '../log/log.ts'
import type { Dedup } from './dedup/dedup-index.ts'
import { destroyOldSeals } from './seal.ts'
import { type Retention, trimLog } from './trim-log.ts'

export interface UpkeepOptions {
  readonly log: Log
  readonly dedup: Dedup
  readonly state: State
  readonly retention: Retention
  readonly deps: Deps
}

/** Between two looks the log must not grow by more than the tenth that is left when trimming begins. */
const trimEveryMs = 10_000
const destroySealsEveryMs = 3_600_000

/** What has to go, goes: log records beyond their retention, keys of old seals. Runs where the dedup index is, since it has a say. */
export function createUpkeep({ log, dedup, state, retention, deps }: UpkeepOptions): Service {
  const stopping = new AbortController()
  let loops: Promise<unknown> = Promise.resolve()

  async function every(ms: number, what: string, task: () => Promise<unknown>): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await task()
      } catch (error) {
        if (!stopping.signal.aborted) deps.logger.error({ err: error }, `cannot ${what}; trying again`)
      }
      await deps.clock.sleep(ms, stopping.signal).catch(() => undefined)
    }
  }

  return {
    async start(signal) {
      signal.throwIfAborted()
      loops = Promise.all([
        every(trimEveryMs, 'trim the log', () =>
          trimLog({ log, dedup, retention, now: deps.clock.now(), signal: stopping.signal }),
        ),
        every(destroySealsEveryMs, 'destroy the keys of old seals', () => destroyOldSeals(state, deps.clock.now())),
      ])
    },
    async stop() {
      stopping.abort()
      await loops
    },
  }
}
