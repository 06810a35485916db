import type { Counter } from 'prom-client'
import type { Deps } from '../core/deps.ts'
import type { Service } from '../core/service.ts'
import { readRunFile, writeRunFile } from './run-file.ts'

/**
 * What a collector tells the status of its data directory, in `run/collector-state.json`, every second:
 *
 *   {"at": <Unix ms>, "refusal": <why it takes nothing now> | null, "failOpen": {"total": n, "lastMinute": n}}
 *
 * A file and no question: it can be read from a collector with TLS or keys too, and a collector that hangs is known by its age.
 */
interface Report {
  readonly at: number
  readonly refusal: string | null
  readonly failOpen: { readonly total: number; readonly lastMinute: number }
}

const name = 'collector-state'
const everyMs = 1000
const staleMs = 10_000
const minute = 60

export interface CollectorReportOptions {
  readonly dataDir: string
  readonly refusal: () => string | undefined
  readonly deps: Deps
}

export function createCollectorReport({ dataDir, refusal, deps }: CollectorReportOptions): Service {
  const stopping = new AbortController()
  let loop = Promise.resolve()
  /** The counter's value at each of the last seconds. */
  const totals: number[] = []

  async function tell(): Promise<void> {
    const total = await failedOpen(deps)
    totals.push(total)
    if (totals.length > minute) totals.shift()
    const report: Report = {
      at: deps.clock.now(),
      refusal: refusal() ?? null,
      failOpen: { total, lastMinute: total - (totals[0] ?? total) },
    }
    writeRunFile(dataDir, name, report)
  }

  async function keepTelling(): Promise<void> {
    while (!stopping.signal.aborted) {
      await deps.clock.sleep(everyMs, stopping.signal).catch(() => {})
      if (stopping.signal.aborted) return
      // A disk that takes no file is said by the age of the last one.
      await tell().catch((error: unknown) => deps.logger.debug({ err: error }, 'the state was not written'))
    }
  }

  return {
    async start(signal) {
      signal.throwIfAborted()
      await tell()
      loop = keepTelling()
    },
    async stop() {
      stopping.abort()
      await loop
    },
  }
}

/** Zero for a collector that shares its ids with nobody. */
async function failedOpen({ metrics }: Deps): Promise<number> {
  const counter = metrics.getSingleMetric('millrace_dedup_fail_open_total') as Counter | undefined
  return counter === undefined ? 0 : (await counter.get()).values.reduce((sum, { value }) => sum + value, 0)
}

export interface CollectorState {
  /** Null: it takes events, or nobody knows. */
  readonly refusing: string | null
  /** Events that went through although nobody could say whether another collector stored them too. */
  readonly fail_open: { readonly total: number; readonly last_minute: number } | null
  readonly problems: readonly string[]
}

/** Of the collector of this data directory, else of the one at `url`, which tells less. */
export async function collectorState(
  dataDir: string,
  url: string | undefined,
  now: number,
  signal: AbortSignal,
): Promise<CollectorState> {
  const report = readRunFile<Report>(dataDir, `${name}.json`)
  if (report === undefined || readRunFile(dataDir, 'collector.pid') === undefined) {
    const refusing = url === undefined ? undefined : await askReadiness(url, signal)
    return {
      refusing: refusing ?? null,
      fail_open: null,
      problems: refusing === undefined ? [] : [`collector: ${refusing}`],
    }
  }
  const { refusal, failOpen, at } = report
  const problems: string[] = []
  if (now - at > staleMs) problems.push(`collector: has not said anything for ${Math.round((now - at) / 1000)} s`)
  if (refusal !== null) problems.push(`collector: refuses events: ${refusal}`)
  if (failOpen.lastMinute > 0)
    problems.push(
      `collector: ${failOpen.lastMinute} events of the last minute went through without asking the other collectors (millrace_dedup_fail_open_total): is Redis well?`,
    )
  return {
    refusing: refusal,
    fail_open: { total: failOpen.total, last_minute: failOpen.lastMinute },
    problems,
  }
}

/** Undefined when it is ready. */
async function askReadiness(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal })
    if (response.ok) return undefined
    const { reason } = (await response.json().catch(() => ({}))) as { reason?: string }
    return `${url} is not ready: ${reason ?? response.status}`
  } catch (error) {
    if (signal.aborted) return `${url} does not answer`
    const { code } = (error as { cause?: { code?: string } }).cause ?? {}
    return `${url} cannot be reached (${code ?? String(error)})`
  }
}
