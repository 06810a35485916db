import { createInterface } from 'node:readline'
import { apiClient, createClient, type Client } from './client.ts'
import { CliError, exitCodes } from './exit.ts'
import { print, printable, say, wholeNumber } from './output.ts'

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
  const size = Math.min(10_000, wholeNumber('batch', flags['batch'] ?? '1000', 1))
  const collector = await collectorClient(flags)
  const sums: Sums = { sent: 0, stored: 0, duplicate: 0, dropped: 0, quarantined: 0 }
  try {
    await sendAll(collector, batches(events.length > 0 ? oneLineEach(events) : lines(), size), sums)
  } finally {
    print(JSON.stringify(sums)) // also when a later request failed: what was taken stays taken
  }
  const lost = sums.dropped + sums.quarantined
  if (lost > 0) throw new CliError(`${lost} of ${sums.sent} events were not stored`, exitCodes.partial)
}

async function sendAll(collector: Client, all: AsyncIterable<readonly string[]>, sums: Sums): Promise<void> {
  let said = Date.now()
  for await (const batch of all) {
    const response = await collector.post('/v1/events', batch.join('\n'), { 'content-type': 'application/x-ndjson' })
    const answer = (await response.json()) as Answer
    for (const outcome of outcomes) sums[outcome] += answer[outcome]
    for (const receipt of answer.receipts) if (receipt.outcome !== 'duplicate') say(told(receipt, sums.sent))
    sums.sent += batch.length
    if (Date.now() - said > (process.stderr.isTTY ? 1000 : 10_000)) {
      said = Date.now()
      say(`${sums.sent} sent …`)
    }
  }
}

function told({ index, id, outcome, reason, issues }: Answer['receipts'][number], before: number): string {
  const why = [...(reason === undefined ? [] : [`(${reason})`]), ...(id === '' ? [] : [id]), (issues ?? []).join('; ')]
  return printable(`event ${before + index + 1}: ${outcome} ${why.join(' ')}`.trimEnd())
}

/** JSON has no line breaks inside its texts, so an argument over several lines is one line of NDJSON without them. */
function oneLineEach(events: readonly string[]): readonly string[] {
  return events.map((event) => event.replaceAll(/[\r\n]+/g, ' '))
}

/** `--collector`, MILLRACE_COLLECTOR_URL, what the API says, or the default address. */
export async function collectorClient(flags: Readonly<Record<string, unknown>>): Promise<Client> {
  const named = (flags['collector'] as string | undefined) ?? process.env['MILLRACE_COLLECTOR_URL']
  return createClient({ url: named ?? (await collectorOfApi(flags)), key: process.env['MILLRACE_KEY'] })
}

async function collectorOfApi(flags: Readonly<Record<string, unknown>>): Promise<string> {
  try {
    const status = (await (await apiClient(flags).get('/api/v1/status')).json()) as { collector?: string | null }
    return status.collector ?? 'http://127.0.0.1:8088'
  } catch (error) {
    // A write key may not ask for the status; the default address is as good a guess as any.
    if (error instanceof CliError && error.exitCode === exitCodes.auth) return 'http://127.0.0.1:8088'
    throw error
  }
}

async function* lines(): AsyncGenerator<string> {
  if (process.stdin.isTTY) say('reading NDJSON from standard input; end with Ctrl-D')
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity }))
    if (line.trim() !== '') yield line
}

async function* batches(events: Iterable<string> | AsyncIterable<string>, size: number): AsyncGenerator<string[]> {
  let batch: string[] = []
  let bytes = 0
  for await (const event of events) {
    batch.push(event)
    bytes += event.length
    if (batch.length < size && bytes < 4e6) continue
    yield batch
    batch = []
    bytes = 0
  }
  if (batch.length > 0) yield batch
}
