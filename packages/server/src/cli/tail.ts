import { setTimeout as sleep } from 'node:timers/promises'
import { styleText } from 'node:util'
import { duration } from '../core/units.ts'
import { apiClient } from './client.ts'
import { CliError, exitCodes } from './exit.ts'
import { chooseFormat, type Format, print, printable, type Row, say, wholeNumber } from './output.ts'
import { followStream } from './tail-stream.ts'
import { followTable } from './tail-table.ts'

/** What `tail` hands to whichever way events come. */
export interface TailOptions {
  readonly url: string
  readonly key: string | undefined
  readonly topics: readonly string[]
  readonly filters: readonly string[]
  /** Unix ms; undefined: from now on. */
  readonly from: number | undefined
  readonly timeoutSeconds: number
  /** Shows one; false when it was the last that is wanted. */
  readonly show: (row: Row) => boolean
  /** Events that went by unseen. */
  readonly missed: (count: number) => void
  /** The connection is gone; answers after a while, or throws when it was never there. */
  readonly again: (why: string) => Promise<void>
  readonly signal: AbortSignal
}

const stages = ['stored', 'quarantined', 'dropped'] as const
const firstRetryMs = 250
const maxRetryMs = 5000

/** Shows events as they come, over reconnects, and says at its end what it saw and what it missed. */
export async function tail(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const format = chooseFormat(flags)
  const stage = stageOf(flags['stage'])
  const limit = flags['limit'] === undefined ? Infinity : wholeNumber('limit', String(flags['limit']), 1)
  const since = flags['since'] === undefined ? undefined : duration.safeParse(flags['since'])
  if (since?.success === false)
    throw new CliError(`--since ${JSON.stringify(flags['since'])}: ${since.error.issues[0]?.message}`, exitCodes.usage)
  const client = apiClient(flags)
  const stop = new AbortController()
  process.once('SIGINT', () => {
    process.exitCode = exitCodes.interrupted
    stop.abort()
  })
  process.once('SIGTERM', () => stop.abort())

  let seen = 0
  let missed = 0
  let reconnects = 0
  let retryMs = firstRetryMs
  const options: TailOptions = {
    url: client.url,
    key: process.env['MILLRACE_KEY'],
    topics: list(flags['topic']),
    filters: list(flags['filter']).map(readFilter),
    from: since === undefined ? undefined : Date.now() - since.data,
    timeoutSeconds: Number(flags['timeout'] ?? 60),
    show(row) {
      retryMs = firstRetryMs
      if (seen < limit) show(row, format, stage)
      return ++seen < limit
    },
    missed(count) {
      missed += count
      say(styleText('yellow', `${count} events went by unseen: this reader is slower than the stream`))
    },
    async again(why) {
      if (stop.signal.aborted) return
      if (reconnects++ === 0 || retryMs === firstRetryMs) say(`${why}; trying again`)
      await sleep(retryMs, undefined, { signal: stop.signal }).catch(() => {})
      retryMs = Math.min(maxRetryMs, retryMs * 2)
    },
    signal: stop.signal,
  }
  if (process.stderr.isTTY) say(styleText('dim', 'waiting for events; Ctrl-C ends'))
  await (stage === 'stored' ? followStream(options) : followTable(stage, client, options))
  const shown = Math.min(seen, limit)
  say(
    `${shown} ${shown === 1 ? 'event' : 'events'} shown, ${missed} missed${reconnects > 0 ? `, ${reconnects} ${reconnects === 1 ? 'reconnect' : 'reconnects'}` : ''}`,
  )
}

export type Stage = (typeof stages)[number]

function stageOf(flag: unknown): Stage {
  const stage = (flag ?? 'stored') as Stage
  if (stages.includes(stage)) return stage
  throw new CliError(`--stage ${JSON.stringify(flag)}: expected ${stages.join(', ')}`, exitCodes.usage)
}

function list(flag: unknown): string[] {
  return flag === undefined ? [] : Array.isArray(flag) ? flag.map(String) : [String(flag)]
}

const spaced = /^\s*([A-Za-z_][\w.-]*)\s*(!=|>=|<=|==|=|>|<|~)\s*([\s\S]*?)\s*$/

/** `event_name = 'Signed Up'` is what many write; the server takes `event_name=Signed Up`. */
export function readFilter(text: string): string {
  const match = spaced.exec(text)
  if (match === null)
    throw new CliError(
      `--filter ${JSON.stringify(text)}: expected <column><op><value>, op one of = != > < >= <= ~, such as event_name=Signed Up`,
      exitCodes.usage,
    )
  const [, column, op, value = ''] = match
  const quoted = /^'([^']*)'$|^"([^"]*)"$/.exec(value)
  return `${column}${op === '==' ? '=' : op}${quoted === null ? value : (quoted[1] ?? quoted[2] ?? '')}`
}

function show(row: Row, format: Format, stage: Stage): void {
  if (format !== 'table') return print(JSON.stringify(row))
  const text = (value: unknown) => printable(String(value ?? ''))
  const dim = (value: unknown) => styleText('dim', text(value))
  if (stage !== 'stored' || row['event_type'] === undefined) {
    const issues = Array.isArray(row['issues']) ? row['issues'].join('; ') : ''
    return print(
      `${dim(row['received_at'])}  ${styleText('yellow', text(row['reason']))}  ${text(issues)}  ${dim(row['source'] ?? row['event_source'])}  ${dim(row['id'])}`,
    )
  }
  const who = row['actor_id'] || row['anonymous_id'] || row['service_name'] || ''
  const level = String(row['log_level'] ?? row['outcome'] ?? '')
  const colour = /error|fatal/i.test(level) ? 'red' : /warn/i.test(level) ? 'yellow' : 'cyan'
  const name = `${text(row['event_type'])}.${text(row['event_name'])}`
  print(`${dim(row['timestamp'])}  ${styleText(colour, name)}  ${text(who)}  ${dim(row['id'])}`)
}
