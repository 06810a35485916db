import { statfs } from 'node:fs/promises'
import type { Deps } from '../core/deps.ts'
import { PipelineError, toPipelineError } from '../core/errors.ts'
import type { RunnerStatus } from '../jobs/runner.ts'
import { topics, type Log } from '../log/log.ts'
import { databaseName } from '../stores/clickhouse/engine/options.ts'
import type { Store } from '../stores/store.ts'
import { collectorState } from './collector-report.ts'
import type { Config } from './config.ts'
import { readRunFile } from './run-file.ts'
import { version } from './version.ts'

/** Of every job that anybody does; `worker` names who, where that is another process. Rejecting is a problem too. */
export type JobsStatus = () => Promise<readonly (RunnerStatus & { readonly worker?: string })[]>

export interface StatusOptions {
  readonly config: Config
  readonly log: Log
  readonly store: Store
  readonly jobs: JobsStatus
  /** Which role this process plays. */
  readonly role: 'worker' | 'api'
  readonly deps: Deps
}

const patienceMs = 2500

/** What GET /api/v1/status answers: whatever can be learned now; what cannot is null and a line in `problems`. */
export function createStatus({ config, log, store, jobs: jobsOf, role, deps }: StatusOptions) {
  const startedAt = deps.clock.now()
  const { dataDir } = config

  const pid = (role: string) => readRunFile<{ pid: number }>(dataDir, `${role}.pid`)?.pid ?? null
  const parts = partsOf(config)
  const told = (role: string) =>
    readRunFile<{ url: string; otlp?: string | null; grpc?: string | null }>(dataDir, `${role}.json`)
  const url = (role: string) => told(role)?.url ?? null

  async function read(asker: AbortSignal): Promise<Record<string, unknown>> {
    const problems: string[] = []
    // Whoever looks at the status wants to know what is wrong, now: what hangs is a problem like any other.
    const ending = new AbortController()
    const timer = setTimeout(() => ending.abort(), patienceMs)
    const late = new Promise<never>((_, reject) => {
      ending.signal.addEventListener('abort', () =>
        reject(new PipelineError('timeout', `no answer within ${patienceMs / 1000} s`)),
      )
    })
    late.catch(() => {})
    const signal = AbortSignal.any([asker, ending.signal])
    const tried = async <T>(what: string, question: Promise<T>): Promise<T | null> => {
      try {
        return await Promise.race([question, late])
      } catch (error) {
        problems.push(`${what}: ${toPipelineError(error).message}`)
        return null
      }
    }
    const limits = { seconds: 5 }
    const [tables, engine, rate, logBytes, records, disk, known, collector] = await Promise.all([
      tried(
        'tables',
        store.query(
          `SELECT replaceRegexpOne(table, '_local$', '') AS name, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM ${parts.from} WHERE active AND database = {database:String} GROUP BY name`,
          { database: parts.database },
          limits,
          signal,
        ),
      ),
      tried('engine', store.query('SELECT version() AS version, uptime() AS uptime', {}, limits, signal)),
      tried(
        'rate',
        store.query(
          'SELECT count() AS events FROM events WHERE ingested_at > now64(3) - INTERVAL 60 SECOND',
          {},
          limits,
          signal,
        ),
      ),
      tried('log', log.bytes()),
      tried('log', Promise.all(topics.map(async (topic) => ({ topic, partitions: await log.bounds(topic) })))),
      tried('disk', statfs(dataDir)),
      tried('jobs', jobsOf()),
      tried('collector', collectorState(dataDir, config.api.collectorUrl, deps.clock.now(), signal)),
    ])
    clearTimeout(timer)
    problems.push(...(collector?.problems ?? []))
    const jobs = known ?? []
    const stored = Object.fromEntries(
      (tables ?? []).map((row) => [String(row['name']), { rows: Number(row['rows']), bytes: Number(row['bytes']) }]),
    )
    for (const job of jobs)
      if (job.state === 'failed' || job.state === 'waiting')
        problems.push(`${nameOf(job)} is ${job.state}: ${job.reason}`)
    return {
      version,
      engine_version: engine === null ? null : String(engine[0]?.['version']),
      node_version: process.versions.node,
      uptime_seconds: Math.round((deps.clock.now() - startedAt) / 1000),
      data_dir: dataDir,
      auth: config.auth,
      collector: config.api.collectorUrl ?? url('collector'),
      collector_state:
        collector === null ? null : { refusing: collector.refusing, dedup_fail_open: collector.fail_open },
      otlp: told('collector')?.otlp ?? null,
      grpc: told('collector')?.grpc ?? null,
      api: url('api') ?? url('worker'),
      pid: {
        supervisor: pid('supervisor'),
        collector: pid('collector'),
        worker: pid('worker'),
        engine: pid('engine'),
        [role]: process.pid,
      },
      jobs: jobs.map(({ job, worker, state, reason, attempts, eventsDone, deadLetters, lag }) => ({
        job,
        ...(worker === undefined ? {} : { worker }),
        state,
        lag_events: lag.events,
        lag_seconds: lag.seconds,
        events_done: eventsDone,
        dead_letters: deadLetters,
        attempts,
        last_error: reason === '' ? null : reason,
      })),
      lag: {
        // Several workers see the same log: each tells the lag of the whole job.
        events: known === null ? null : [...lagOfJobs(jobs).values()].reduce((sum, events) => sum + events, 0),
        seconds: known === null ? null : Math.max(0, ...jobs.map(({ lag }) => lag.seconds)),
      },
      rates: { events_per_second: rate === null ? null : Number(rate[0]?.['events'] ?? 0) / 60 },
      sizes: {
        log_bytes: logBytes,
        log_retention_bytes: config.log.retention.bytes,
        store_bytes: tables === null ? null : Object.values(stored).reduce((sum, { bytes }) => sum + bytes, 0),
        events: tables === null ? null : (stored['events']?.rows ?? 0),
        tables: stored,
        disk_free_bytes: disk === null ? null : disk.bavail * disk.bsize,
      },
      log: records,
      problems,
    }
  }

  return { read }
}

function nameOf({ job, worker }: { readonly job: string; readonly worker?: string }): string {
  return worker === undefined ? job : `${job} of worker ${worker}`
}

function lagOfJobs(jobs: Awaited<ReturnType<JobsStatus>>): ReadonlyMap<string, number> {
  const lags = new Map<string, number>()
  for (const { job, lag } of jobs) lags.set(job, Math.max(lags.get(job) ?? 0, lag.events))
  return lags
}

/** Where ClickHouse tells the sizes of our tables: on a cluster, of one replica of each shard. */
function partsOf({ store }: Config): { readonly from: string; readonly database: string } {
  if (store.driver === 'embedded') return { from: 'system.parts', database: databaseName }
  const { cluster, database } = store
  return { from: cluster === undefined ? 'system.parts' : `cluster('${cluster.name}', system.parts)`, database }
}
