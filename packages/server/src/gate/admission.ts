import { statfs } from 'node:fs/promises'
import type { Deps } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import type { Service } from '../core/service.ts'
import { type Log, topics } from '../log/log.ts'
import { gaugeOf } from './metrics.ts'

export interface AdmissionOptions {
  readonly log: Log
  /** The data directory: what stands on the same disk as the log. */
  readonly dataDir: string
  /** `log.minFreeBytes` */
  readonly minFreeBytes: number
  /** `log.retention.bytes` */
  readonly retentionBytes: number
  /** Group of the job whose commits say what the store has. */
  readonly group?: string
  /** Bytes free on the disk of a directory; to try out a full one. */
  readonly freeBytes?: (directory: string) => Promise<number>
  readonly deps: Deps
}

/** Refuses before it is too late: better a 503 that clients repeat than a log that cannot be written or that eats what nobody loaded. */
export interface Admission extends Service {
  /** Throws `unavailable` while there is no room. */
  check(): void
  /** Why events are refused, or undefined. */
  refusal(): string | undefined
}

const lookEveryMs = 1000
const retryAfterSeconds = 10

export function createAdmission(options: AdmissionOptions): Admission {
  const { log, deps, group = 'load', freeBytes = bytesFree } = options
  const stopping = new AbortController()
  let loop = Promise.resolve()
  let refusal: string | undefined
  const free = gaugeOf(deps.metrics, 'millrace_disk_free_bytes', 'bytes free on the disk of the data directory')
  const refusing = gaugeOf(
    deps.metrics,
    'millrace_admission_refusing',
    '1 while new events are refused for want of room',
  )

  async function look(): Promise<void> {
    const [freeNow, bytesNow] = await Promise.all([freeBytes(options.dataDir), log.bytes()])
    free.set(freeNow)
    const before = refusal
    refusal = await findRefusal(freeNow, bytesNow)
    refusing.set(refusal === undefined ? 0 : 1)
    if (refusal !== undefined && before === undefined) deps.logger.error({}, `refusing events: ${refusal}`)
    if (refusal === undefined && before !== undefined) deps.logger.info({}, 'taking events again')
  }

  async function findRefusal(freeNow: number, bytesNow: number): Promise<string | undefined> {
    if (freeNow < options.minFreeBytes)
      return `${freeNow} bytes free on the disk of ${options.dataDir}, log.minFreeBytes is ${options.minFreeBytes}; free some space`
    if (bytesNow < options.retentionBytes) return undefined
    // Full, but what is loaded can be trimmed: only what is not loaded makes it a reason to refuse.
    if (!(await hasUnloaded())) return undefined
    return `the log holds ${bytesNow} bytes that are not all loaded, log.retention.bytes is ${options.retentionBytes}; see the lag with: millrace status`
  }

  async function hasUnloaded(): Promise<boolean> {
    const [committed, ...ends] = await Promise.all([
      log.committed(group),
      ...topics.map(async (topic) => ({ topic, bounds: await log.bounds(topic) })),
    ])
    for (const { topic, bounds } of ends)
      for (const { partition, next } of bounds) {
        const done = committed.find((position) => position.topic === topic && position.partition === partition)
        if (done === undefined ? next > 0 : done.offset < next) return true
      }
    return false
  }

  async function keepLooking(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await deps.clock.sleep(lookEveryMs, stopping.signal)
        await look()
      } catch (error) {
        if (stopping.signal.aborted) return
        deps.logger.warn({ err: error }, 'cannot tell how much room is left; the last answer stands')
      }
    }
  }

  return {
    async start(signal) {
      signal.throwIfAborted()
      await look()
      loop = keepLooking()
    },
    async stop() {
      stopping.abort()
      await loop
    },
    refusal: () => refusal,
    check() {
      if (refusal !== undefined) throw new PipelineError('unavailable', refusal, { retryAfterSeconds })
    },
  }
}

async function bytesFree(directory: string): Promise<number> {
  const { bavail, bsize } = await statfs(directory)
  return bavail * bsize
}
