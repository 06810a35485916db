import { createInterface } from 'node:readline'
import { apiClient, createClient, defaultCollectorUrl, type Client } from './client.ts'
import { CliError, exitCodes } from './exit.ts'
import { chooseFormat, print, printable, printRows, say, wholeNumber } from './output.ts'

interface Answer {
  readonly stored: number
  readonly duplicate: number
  readonly dropped: number
  readonly quarantined: number
  readonly receipts: readonly {
    index: number
    id: string
    outcome: string
    reason?: string
    issues?: readonly string[]
  }[]
}

const outcomes = ['stored', 'duplicate', 'dropped', 'quarantined'] as const
type Sums = Record<'sent' | (typeof outcomes)[number], number>

/** Exit 0 when everything is stored or a duplicate; 8 when some of it was dropped or quarantined. */
export async function send(events: readonly string[], flags: Readonly<Record<string, string>>): Promise<void> {
  const format = chooseFormat(flags)
  if (format === 'parquet') throw new CliError('-o parquet: what became of events is no table', exitCodes.usage)
  const size = Math.min(10_000, wholeNumber('batch', flags['batch'] ?? '1000', 1))
  const collector = await collectorClient(flags)
  const sums: Sums = { sent: 0, stored: 0, duplicate: 0, dropped: 0, quarantined: 0 }
  try {
    await sendAll(collector, batches(events.length > 0 ? given(events) : lines(), size), sums)
  } finally {
    // Also when a later request failed: what was taken stays taken.
    if (format === 'table') print(summary(sums))
    else printRows([sums], format)
  }
  const lost = sums.dropped + sums.quarantined
  if (lost > 0) throw new CliError(`${lost} of ${sums.sent} events were not stored`, exitCodes.partial)
}

/** For people: what became of them, without zeros. */
export function summary(sums: Sums): string {
  const parts = outcomes.filter((outcome) => sums[outcome] > 0).map((outcome) => `${sums[outcome]} ${outcome}`)
  return `${sums.sent} ${sums.sent === 1 ? 'event' : 'events'} sent${parts.length === 0 ? '' : `: ${parts.join(', ')}`}`
}

async function sendAll(collector: Client, all: AsyncIterable<readonly Line[]>, sums: Sums): Promise<void> {
  let said = Date.now()
  for await (const batch of all) {
    const response = await collector.post('/v1/events', batch.map(({ text }) => text).join('\n'), {
      'content-type': 'application/x-ndjson',
    })
    const answer = (await response.json()) as Answer
    for (const outcome of outcomes) sums[outcome] += answer[outcome]
    for (const receipt of answer.receipts)
      if (receipt.outcome !== 'duplicate') say(told(receipt, batch[receipt.index]?.place ?? ''))
    sums.sent += batch.length
    if (Date.now() - said > (process.stderr.isTTY ? 1000 : 10_000)) {
      said = Date.now()
      say(`${sums.sent} sent …`)
    }
  }
}

function told({ id, outcome, reason, issues }: Answer['receipts'][number], place: string): string {
  const why = [...(reason === undefined ? [] : [`(${reason})`]), ...(id === '' ? [] : [id]), (issues ?? []).join('; ')]
  return printable(`${place}: ${outcome} ${why.join(' ')}`.trimEnd())
}

/** One event, and where the user finds it. */
interface Line {
  readonly text: string
  readonly place: string
}

/** JSON has no line breaks inside its texts, so an argument over several lines is one line of NDJSON without them. */
function given(events: readonly string[]): readonly Line[] {
  return events.map((event, at) => ({ text: event.replaceAll(/[\r\n]+/g, ' '), place: `event ${at + 1}` }))
}

const collectorFlags = '--collector or MILLRACE_COLLECTOR_URL'

/**
 * `--collector`, MILLRACE_COLLECTOR_URL, what the API says, or, for who may not ask it (`mayGuess`), the default address.
 */
export async function collectorClient(flags: Readonly<Record<string, unknown>>, mayGuess = true): Promise<Client> {
  const named = (flags['collector'] as string | undefined) || process.env['MILLRACE_COLLECTOR_URL']
  return createClient({
    url: named || (await collectorOfApi(flags, mayGuess)),
    key: process.env['MILLRACE_KEY'],
    namedBy: collectorFlags,
  })
}

async function collectorOfApi(flags: Readonly<Record<string, unknown>>, mayGuess: boolean): Promise<string> {
  try {
    const status = (await (await apiClient(flags).get('/api/v1/status')).json()) as { collector?: string | null }
    return status.collector ?? defaultCollectorUrl
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    if (error.exitCode === exitCodes.auth && mayGuess) {
      say(
        `only an admin key may ask the API where the collector is: sending to ${defaultCollectorUrl}; name another with ${collectorFlags}`,
      )
      return defaultCollectorUrl
    }
    if (error.exitCode === exitCodes.unreachable)
      throw new CliError(`${error.message}; or say where to send with ${collectorFlags}`, error.exitCode, {
        cause: error,
      })
    throw error
  }
}

async function* lines(): AsyncGenerator<Line> {
  if (process.stdin.isTTY) say('reading NDJSON from standard input; end with Ctrl-D')
  let number = 0
  for await (const text of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    number++
    if (text.trim() !== '') yield { text, place: `line ${number}` }
  }
}

async function* batches(events: Iterable<Line> | AsyncIterable<Line>, size: number): AsyncGenerator<Line[]> {
  let batch: Line[] = []
  let characters = 0
  for await (const event of events) {
    batch.push(event)
    characters += event.text.length
    if (batch.length < size && characters < 4e6) continue
    yield batch
    batch = []
    characters = 0
  }
  if (batch.length > 0) yield batch
}
