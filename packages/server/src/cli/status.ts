import { styleText } from 'node:util'
import { showBytes, showDuration } from '../core/units.ts'
import { apiClient } from './client.ts'
import { print } from './output.ts'

interface Status {
  readonly version: string
  readonly engine_version: string | null
  readonly uptime_seconds: number
  readonly collector: string | null
  readonly api: string
  readonly pid: Readonly<Record<string, number | null>>
  readonly jobs: readonly {
    job: string
    state: string
    lag_events: number
    lag_seconds: number
    dead_letters: number
    last_error: string | null
  }[]
  readonly rates: { readonly events_per_second: number }
  readonly sizes: { readonly log_bytes: number; readonly store_bytes: number; readonly events: number }
  readonly problems: readonly string[]
}

export async function status(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const answer = (await (await apiClient(flags).get('/api/v1/status')).json()) as Status
  if (flags['json'] === true || !process.stdout.isTTY)
    return print(JSON.stringify(answer, undefined, flags['json'] === true ? 2 : undefined))
  const line = (name: string, says: string) => print(`  ${name.padEnd(10)} ${says}`)
  print(
    styleText('bold', `Millrace ${answer.version}`) +
      styleText('dim', `, up ${showDuration(answer.uptime_seconds * 1000)}`),
  )
  line('send to', answer.collector ?? 'no collector')
  line('ask at', answer.api)
  line(
    'processes',
    Object.entries(answer.pid)
      .map(([role, pid]) => `${role} ${pid ?? '–'}`)
      .join(', '),
  )
  line('engine', answer.engine_version === null ? styleText('red', 'away') : `ClickHouse ${answer.engine_version}`)
  line('rate', `${answer.rates.events_per_second.toFixed(1)} events/s over the last minute`)
  line(
    'sizes',
    `log ${showBytes(answer.sizes.log_bytes)}, tables ${showBytes(answer.sizes.store_bytes)} with ${answer.sizes.events.toLocaleString('en')} events`,
  )
  for (const { job, state, lag_events, lag_seconds, dead_letters, last_error } of answer.jobs)
    line(
      job,
      `${state}, ${lag_events.toLocaleString('en')} events behind (${showDuration(lag_seconds * 1000)}), ${dead_letters} dead letters${last_error === null ? '' : styleText('red', `; ${last_error}`)}`,
    )
  for (const problem of answer.problems) print(styleText('red', `  ! ${problem}`))
}
