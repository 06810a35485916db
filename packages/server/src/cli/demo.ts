import { setTimeout as sleep } from 'node:timers/promises'
import { Analytics } from '@segment/analytics-node'
import type { Client } from './client.ts'
import { demoSession, type DemoEvent, seeded } from './demo-story.ts'
import { CliError, exitCodes } from './exit.ts'
import { print, say, wholeNumber } from './output.ts'
import { collectorClient } from './send.ts'

type Flags = Readonly<Record<string, string>>

const dayMs = 86_400_000
const sessionsPerDay = 400
/** The SDK's queue at most, so that history is not sent faster than it is taken. */
const maxUnanswered = 2000

/** Live traffic (`--rate`) until Ctrl-C, or a past of so many days (`--days`) as fast as it is taken. */
export async function demo(flags: Flags): Promise<void> {
  const seed = wholeNumber('seed', flags['seed'] ?? '42', 0)
  const days = flags['days'] === undefined ? undefined : wholeNumber('days', flags['days'], 1)
  const rate = wholeNumber('rate', flags['rate'] ?? '20', 1)
  const limit = flags['limit'] === undefined ? Infinity : wholeNumber('limit', flags['limit'], 1)
  const collector = await collectorClient(flags)
  const stop = new AbortController()
  process.once('SIGINT', () => {
    process.exitCode = exitCodes.interrupted
    stop.abort()
  })
  process.once('SIGTERM', () => stop.abort())
  const sender = createSender(collector, days !== undefined && days > 29)
  try {
    if (days === undefined) await live(sender, seeded(seed), rate, limit, stop.signal)
    else await history(sender, seeded(seed), `demo-${seed}`, days, limit, stop.signal)
  } finally {
    await sender.close()
  }
  const { calls, accepted, failed } = sender.counts()
  print(JSON.stringify({ sent: calls, accepted, failed }))
  say('look at it: npx millrace query "select event_name, count() from events group by 1 order by 2 desc"')
  if (failed > 0) throw new CliError(`${failed} messages were not taken by ${collector.url}`, exitCodes.partial)
}

interface Sender {
  send(event: DemoEvent, at: number): void
  /** Resolves when few enough are unanswered. */
  room(): Promise<void>
  counts(): { calls: number; accepted: number; failed: number }
  close(): Promise<void>
}

/** The unchanged Segment SDK; only its fetch adds the header that lets an admin key import a far past. */
function createSender(collector: Client, isHistorical: boolean): Sender {
  let calls = 0
  let accepted = 0
  let failed = 0
  const analytics = new Analytics({
    writeKey: process.env['MILLRACE_KEY'] ?? 'demo',
    host: collector.url,
    path: '/v1/batch',
    maxEventsInBatch: 100,
    flushInterval: 500,
    ...(isHistorical && {
      httpClient: (url: string, init: RequestInit) =>
        fetch(url, { ...init, headers: { ...(init.headers as Record<string, string>), 'x-millrace-historical': '1' } }),
    }),
  })
  analytics.on('error', () => {}) // counted by each call's own callback
  const settled = (error: unknown) => {
    if (error) failed++
    else accepted++
  }
  const call = (event: DemoEvent, at: number) => {
    calls++
    // The bad release's clock runs a year ahead: what the gate quarantines.
    const timestamp = new Date(event.isBadRelease ? at + 365 * dayMs : at)
    const common = {
      messageId: event.messageId,
      anonymousId: event.anonymousId,
      ...(event.userId !== undefined && { userId: event.userId }),
      context: event.context,
      timestamp,
    }
    if (event.call === 'page') analytics.page({ ...common, properties: { ...event.properties } }, settled)
    else if (event.call === 'identify') analytics.identify({ ...common, traits: { ...event.traits } }, settled)
    else analytics.track({ ...common, event: event.event ?? '', properties: { ...event.properties } }, settled)
  }
  return {
    send(event, at) {
      call(event, at)
      if (event.isRetried) call(event, at)
    },
    async room() {
      while (calls - accepted - failed > maxUnanswered) await sleep(5)
    },
    counts: () => ({ calls, accepted, failed }),
    close: () => analytics.closeAndFlush({ timeout: 30_000 }),
  }
}

async function live(
  sender: Sender,
  random: () => number,
  rate: number,
  limit: number,
  signal: AbortSignal,
): Promise<void> {
  say(`sending about ${rate} events a second; Ctrl-C ends`)
  const idPrefix = `demo-${Date.now().toString(36)}`
  const startedAt = Date.now()
  let sent = 0
  let said = startedAt
  for (let session = 0; sent < limit && !signal.aborted; session++) {
    // After the first 30 s a bad release goes out to one visitor in ten.
    const badShare = Date.now() - startedAt > 30_000 ? 0.1 : 0
    for (const event of demoSession(random, idPrefix, session, badShare)) {
      if (sent >= limit || signal.aborted) break
      const due = startedAt + (sent / rate) * 1000
      if (due > Date.now() + 1) await sleep(due - Date.now(), undefined, { signal }).catch(() => {})
      sender.send(event, Date.now())
      sent++
    }
    await sender.room()
    if (Date.now() - said > (process.stderr.isTTY ? 2000 : 10_000)) {
      said = Date.now()
      say(`${sent} sent, ${sender.counts().accepted} stored or known …`)
    }
  }
}

/** Ends yesterday at midnight (UTC), so that the same seed sends the same events all day long: a second run is all duplicates. */
async function history(
  sender: Sender,
  random: () => number,
  idPrefix: string,
  days: number,
  limit: number,
  signal: AbortSignal,
): Promise<void> {
  const end = Math.floor(Date.now() / dayMs) * dayMs
  const total = days * sessionsPerDay
  let sent = 0
  let said = Date.now()
  for (let session = 0; session < total && sent < limit && !signal.aborted; session++) {
    const day = Math.floor(session / sessionsPerDay)
    // More visitors at noon than at night; the bad release was out on the second last day.
    const startedAt = end - (days - day) * dayMs + Math.floor(((random() + random()) / 2) * (dayMs - 3_600_000))
    const badShare = days - day === 2 ? 0.2 : 0
    for (const event of demoSession(
      random,
      `${idPrefix}-${new Date(startedAt).toISOString().slice(0, 10)}`,
      session,
      badShare,
    )) {
      if (sent >= limit) break
      sender.send(event, startedAt + event.afterMs)
      sent++
    }
    await sender.room()
    if (Date.now() - said > (process.stderr.isTTY ? 1000 : 10_000)) {
      said = Date.now()
      say(`day ${day + 1} of ${days}: ${sent} sent …`)
    }
  }
}
