import { styleText } from 'node:util'
import { showBytes, showDuration } from '../core/units.ts'

/** What GET /api/v1/status answers; null is what cannot be known now, and `problems` says why. */
export interface Status {
  readonly version: string
  readonly engine_version: string | null
  readonly uptime_seconds: number
  readonly collector: string | null
  readonly otlp: string | null
  readonly grpc: string | null
  readonly api: string | null
  readonly pid: Readonly<Record<string, number | null>>
  readonly jobs: readonly {
    readonly job: string
    readonly worker?: string
    readonly state: string
    readonly lag_events: number
    readonly lag_seconds: number
    readonly dead_letters: number
    readonly last_error: string | null
  }[]
  readonly rates: { readonly events_per_second: number | null }
  readonly sizes: {
    readonly log_bytes: number | null
    readonly store_bytes: number | null
    readonly events: number | null
  }
  readonly problems: readonly string[]
}

/** The page that people read: a line per part, then what is wrong. */
export function statusPage({
  version,
  uptime_seconds,
  pid,
  rates,
  sizes,
  jobs,
  problems,
  ...answer
}: Status): string[] {
  const line = (name: string, says: string) => `  ${name.padEnd(10)} ${says}`
  const known = <T>(value: T | null, show: (value: T) => string) => (value === null ? 'unknown' : show(value))
  return [
    styleText('bold', `Millrace ${version}`) + styleText('dim', `, up ${showDuration(uptime_seconds * 1000)}`),
    line('send to', answer.collector ?? 'no collector here'),
    ...openTelemetry(answer).map((says) => line('', says)),
    line('ask at', answer.api ?? 'no API here'),
    line(
      'processes',
      Object.entries(pid)
        .map(([role, id]) => `${role} ${id ?? '–'}`)
        .join(', '),
    ),
    line('engine', answer.engine_version === null ? styleText('red', 'away') : `ClickHouse ${answer.engine_version}`),
    line('rate', `${known(rates.events_per_second, (rate) => rate.toFixed(1))} events/s over the last minute`),
    line(
      'sizes',
      `log ${known(sizes.log_bytes, showBytes)}, tables ${known(sizes.store_bytes, showBytes)} with ${known(sizes.events, (events) => events.toLocaleString('en'))} events`,
    ),
    ...jobs.map(({ job, worker, state, lag_events, lag_seconds, dead_letters, last_error }) =>
      line(
        job,
        `${state}${worker === undefined ? '' : ` in ${worker}`}, ${lag_events.toLocaleString('en')} events behind (${showDuration(lag_seconds * 1000)}), ${dead_letters} dead letters${last_error === null ? '' : styleText('red', `; ${last_error}`)}`,
      ),
    ),
    ...problems.map((problem) => styleText('red', `  ! ${problem}`)),
  ]
}

/** Where exporters send, in words; none where their ports are off or another process's. */
export function openTelemetry({
  otlp,
  grpc,
}: {
  readonly otlp: string | null
  readonly grpc: string | null
}): string[] {
  return [
    ...(otlp === null ? [] : [`${otlp}   OpenTelemetry over HTTP`]),
    ...(grpc === null ? [] : [`${grpc}   OpenTelemetry over gRPC`]),
  ]
}
