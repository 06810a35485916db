import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { PipelineError } from '../core/errors.ts'
import type { Deps } from '../core/deps.ts'
import type { Service } from '../core/service.ts'
import type { RunnerStatus } from '../jobs/runner.ts'
import type { State } from '../kv/state.ts'

/**
 * What workers of their own process tell the API of theirs, in the state:
 *
 *   workers/<random id>  →  {"worker": "<host>:<pid>", "at": <Unix ms>, "jobs": [RunnerStatus, …]}
 *
 * One small write every few seconds and worker. Who was killed is forgotten by its time, and swept by the next worker that starts.
 */
interface Report {
  readonly worker: string
  readonly at: number
  readonly jobs: readonly RunnerStatus[]
}

const prefix = 'workers/'
const everyMs = 5000
/** Several times as long as the interval: a slow state is no dead worker. */
const validMs = 30_000

export interface WorkerReportOptions {
  readonly state: State
  readonly jobs: () => Promise<readonly RunnerStatus[]>
  readonly deps: Pick<Deps, 'clock' | 'logger'>
}

export function createWorkerReport({ state, jobs, deps }: WorkerReportOptions): Service {
  const { clock, logger } = deps
  const key = `${prefix}${randomUUID()}`
  const worker = `${hostname()}:${process.pid}`
  const stopping = new AbortController()
  let loop = Promise.resolve()
  let version = 0

  async function tell(): Promise<void> {
    const report: Report = { worker, at: clock.now(), jobs: await jobs() }
    const isFirst = await state.putIfVersion(key, Buffer.from(JSON.stringify(report)), version)
    if (!isFirst) logger.debug({ key }, 'a report met a version that it did not know')
    version = (await state.get(key))?.version ?? 0
  }

  async function sweep(): Promise<void> {
    for (const { key: other, value, version: seen } of await state.list(prefix))
      if (clock.now() - (parse(value)?.at ?? 0) > validMs) await state.deleteIfVersion(other, seen)
  }

  async function keepTelling(): Promise<void> {
    await sweep().catch(() => {}) // the next worker does it
    while (!stopping.signal.aborted) {
      // A state that is away is said by those who need it; the status then lacks this worker.
      await tell().catch((error: unknown) => logger.debug({ err: error }, 'the report of this worker was not written'))
      await clock.sleep(everyMs, stopping.signal).catch(() => {})
    }
  }

  return {
    async start(signal) {
      signal.throwIfAborted()
      loop = keepTelling()
    },
    async stop() {
      stopping.abort(new PipelineError('cancelled', 'stopping'))
      await loop
      if (version !== 0) await state.deleteIfVersion(key, version).catch(() => false) // its time passes anyway
    },
  }
}

/** Jobs of all workers that have reported lately, each with who does it. */
export async function readWorkerReports(
  state: State,
  now: number,
): Promise<readonly (RunnerStatus & { readonly worker: string })[]> {
  const reports = (await state.list(prefix)).map(({ value }) => parse(value)).filter((report) => report !== undefined)
  const alive = reports.filter(({ at }) => now - at <= validMs)
  if (alive.length === 0)
    throw new PipelineError(
      'unavailable',
      `no worker has reported within ${validMs / 1000} s; is \`millrace worker\` running, with the same state?`,
    )
  return alive.flatMap(({ worker, jobs }) => jobs.map((job) => ({ ...job, worker })))
}

function parse(value: Uint8Array): Report | undefined {
  try {
    return JSON.parse(Buffer.from(value).toString('utf8')) as Report
  } catch {
    return undefined // written by a release that tells more, or other things
  }
}
