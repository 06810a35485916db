import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { CliError, exitCodes } from './exit.ts'
import { guessDialect, type ImportDialect, importDialects, type ImportRequest, textOf } from './import-dialects.ts'
import { fingerprintOf, readState, removeState, type Sums, sumNames, writeState } from './import-state.ts'
import { formOf, type FileForm, type Unit, unitsOf } from './import-units.ts'
import { chooseFormat, printable, printRows, say, wholeNumber } from './output.ts'
import { collectorClient } from './send.ts'

/** Long enough for a restart or a full log to be dealt with; the import goes on where it was when it is called again. */
const patienceMs = 10 * 60_000
/** As much as a request may hold comfortably below the limit of 20 MB. */
const maxBatchLength = 4e6
const maxShown = 20

/**
 * Files of events into a project, as history: without an age limit, marked, not in live. Progress is kept beside the file, so that
 * the same command goes on where it was ended; what was sent twice in between is counted as duplicates.
 * Exit 0 when everything is stored or was there; 8 when some of it was dropped or quarantined.
 */
export async function importFiles(files: readonly string[], flags: Readonly<Record<string, string>>): Promise<void> {
  const format = chooseFormat(flags)
  const batch = Math.min(10_000, wholeNumber('batch', flags['batch'] ?? '1000', 1))
  const named = flags['dialect']
  if (named !== undefined && !Object.hasOwn(importDialects, named)) {
    const known = Object.keys(importDialects).sort().join(', ')
    throw new CliError(`--dialect ${JSON.stringify(named)}: expected one of ${known}`, exitCodes.usage)
  }
  const said = flags['format']
  if (said !== undefined && said !== 'json' && said !== 'csv')
    throw new CliError(`--format ${JSON.stringify(said)}: expected json or csv`, exitCodes.usage)
  for (const file of files) fingerprintOf(file)

  // History needs an admin key, and who has one may ask where the collector is: a guess could send the file elsewhere.
  const post = createPost((await collectorClient(flags, false)).url, process.env['MILLRACE_KEY'])
  const stop = new AbortController()
  const interrupt = () => stop.abort()
  process.once('SIGINT', interrupt)
  const results: (Sums & { file: string })[] = []
  try {
    for (const file of files) {
      const options = { file, form: said ?? formOf(file), named, batch, isFresh: flags['restart'] !== undefined }
      results.push({ file, ...(await importFile(options, post, stop.signal)) })
    }
  } finally {
    process.off('SIGINT', interrupt)
    printRows(results, format, ['file', 'events', ...sumNames])
  }
  const lost = results.reduce((sum, { dropped, quarantined }) => sum + dropped + quarantined, 0)
  const all = results.reduce((sum, { events }) => sum + events, 0)
  if (lost > 0) throw new CliError(`${lost} of ${all} events were not stored`, exitCodes.partial)
}

interface FileOptions {
  readonly file: string
  readonly form: FileForm
  readonly named: string | undefined
  readonly batch: number
  readonly isFresh: boolean
}

async function importFile(options: FileOptions, post: Post, stop: AbortSignal): Promise<Sums> {
  const { file, form } = options
  const fingerprint = fingerprintOf(file)
  const progress = createProgress(file)
  let dialect = options.named
  let sums: Sums = { events: 0, stored: 0, duplicate: 0, dropped: 0, quarantined: 0 }
  let done = 0
  let shown = 0
  let seen = 0
  let waiting: { readonly text: string; readonly place: string }[] = []
  let length = 0

  async function flush(name: string): Promise<void> {
    const request = (importDialects[name] as ImportDialect).request(waiting.map(({ text }) => text))
    const receipts = await post(request, stop)
    for (const [index, { outcome, reason, issues }] of receipts.entries()) {
      sums[outcome]++
      if (outcome === 'stored' || outcome === 'duplicate' || shown++ >= maxShown) continue
      const why = [...(reason === undefined ? [] : [`(${reason})`]), (issues ?? []).join('; ')].join(' ')
      say(printable(`${file}: ${waiting[index]?.place ?? waiting[0]?.place}: ${outcome} ${why}`.trimEnd()))
      if (shown === maxShown) say('… more are only counted; see them with: millrace query "select * from quarantine"')
    }
    sums.events += receipts.length
    done += waiting.length
    waiting = []
    length = 0
    writeState(file, { fingerprint, dialect: name, batch: options.batch, units: done, sums })
    progress.tell(sums)
  }

  for await (const unit of unitsOf(file, form, progress.read)) {
    dialect ??= dialectOf(unit, file)
    if (seen === 0 && !options.isFresh) {
      const before = readState(file, { fingerprint, dialect, batch: options.batch })
      if (before !== undefined) {
        ;({ units: done, sums } = before)
        progress.begin(sums)
        say(`${file}: going on after ${sums.events} events (from the beginning: --restart)`)
      }
    }
    seen++
    if (seen <= done) continue
    const taken = importDialects[dialect] as ImportDialect
    const text = textOf(unit, dialect, taken)
    // A request is cut before it grows too long, not after: what one event of it is too long for would be refused whole.
    if (waiting.length > 0 && length + text.length > maxBatchLength) await flush(dialect)
    waiting.push({ text, place: unit.place })
    length += text.length
    if (waiting.length >= Math.min(options.batch, taken.most ?? Number.POSITIVE_INFINITY)) await flush(dialect)
    if (stop.aborted) throw interrupted(file, sums)
  }
  if (waiting.length > 0) await flush(dialect as string)
  removeState(file)
  progress.end(sums)
  return sums
}

function dialectOf(unit: Unit, file: string): string {
  const dialect = guessDialect(unit)
  if (dialect === undefined) {
    const known = Object.keys(importDialects).sort().join(', ')
    throw new CliError(`${file}: cannot tell whose events these are; say --dialect, one of ${known}`, exitCodes.usage)
  }
  say(`${file}: events of ${dialect} (another one: --dialect)`)
  return dialect
}

function interrupted(file: string, { events }: Sums): CliError {
  return new CliError(`${file}: ended after ${events} events; the same command goes on there`, exitCodes.interrupted)
}

interface ImportReceipt {
  readonly index: number
  readonly outcome: (typeof sumNames)[number] | 'retry'
  readonly reason?: string
  readonly issues?: readonly string[]
}
type Kept = ImportReceipt & { readonly outcome: (typeof sumNames)[number] }
type Post = (request: ImportRequest, stop: AbortSignal) => Promise<readonly Kept[]>

/**
 * Sends a request until every event of it has a durable outcome: its whole body again, because ids made from events count their
 * place among equal ones. What counts of an event is its first durable outcome.
 */
function createPost(url: string, key: string | undefined): Post {
  return async ({ path, type, body }, stop) => {
    const kept: Kept[] = []
    const deadline = Date.now() + patienceMs
    for (let attempt = 0; ; attempt++) {
      const { receipts, problem, retryAfterMs } = await once()
      for (const receipt of receipts) if (receipt.outcome !== 'retry') kept[receipt.index] ??= receipt as Kept
      if (problem === undefined) return kept
      const pauseMs = retryAfterMs ?? Math.min(30_000, 500 * 2 ** attempt)
      if (Date.now() + pauseMs > deadline || stop.aborted) throw new CliError(problem, exitCodes.unreachable)
      if (attempt > 1) say(`${problem}; trying again in ${Math.ceil(pauseMs / 1000)} s`)
      await sleep(pauseMs, undefined, { signal: stop }).catch(() => undefined)
    }

    async function once(): Promise<{ receipts: readonly ImportReceipt[]; problem?: string; retryAfterMs?: number }> {
      let response: Response
      try {
        response = await fetch(url + path, {
          method: 'POST',
          body,
          headers: {
            'content-type': type,
            accept: 'application/vnd.millrace.receipts+json',
            prefer: 'return=representation',
            'x-millrace-historical': '1',
            ...(key && { authorization: `Bearer ${key}` }),
          },
          signal: AbortSignal.timeout(120_000),
        })
      } catch (error) {
        const code = (error as { cause?: { code?: string } }).cause?.code ?? (error as Error).name
        return { receipts: [], problem: `cannot reach ${url} (${code})` }
      }
      const answer = (await response.json().catch(() => ({}))) as {
        receipts?: readonly ImportReceipt[]
        detail?: string
      }
      const { receipts = [] } = answer
      if (response.ok) return { receipts }
      const problem = answer.detail ?? `${response.status} ${response.statusText}`
      if (response.status !== 429 && response.status !== 503 && response.status !== 408)
        throw new CliError(
          problem,
          response.status === 401 || response.status === 403 ? exitCodes.auth : exitCodes.failure,
        )
      const seconds = Number(response.headers.get('retry-after'))
      return { receipts, problem, ...(seconds > 0 && { retryAfterMs: seconds * 1000 }) }
    }
  }
}

/** Share of the file, events and rate, once a second for people and every ten for logs. */
function createProgress(file: string) {
  const size = statSync(file).size
  const startedAt = Date.now()
  const everyMs = process.stderr.isTTY ? 1000 : 10_000
  let read = 0
  let said = startedAt
  let before = 0
  const rate = ({ events }: Sums) => Math.round((events - before) / Math.max(0.001, (Date.now() - startedAt) / 1000))
  return {
    read(bytes: number) {
      read += bytes
    },
    /** An import that goes on does not count what was there. */
    begin(sums: Sums) {
      before = sums.events
    },
    tell(sums: Sums) {
      if (Date.now() - said < everyMs) return
      said = Date.now()
      const share = size === 0 ? 100 : Math.floor((read / size) * 100)
      say(`${file}: ${share} %, ${sums.events} events, ${rate(sums)} a second`)
    },
    end(sums: Sums) {
      say(`${file}: done, ${sums.events} events in ${((Date.now() - startedAt) / 1000).toFixed(1)} s`)
    },
  }
}
