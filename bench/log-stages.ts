import type { Log, LogRecord } from '../packages/server/src/log/log.ts'

const signal = new AbortController().signal
const readBytes = 8e6

export interface LogUse {
  /** CPU µs per event of this process, all threads. */
  readonly append: number
  readonly read: number
  readonly records: readonly LogRecord[]
}

export interface Made {
  readonly value: Uint8Array
  readonly fingerprints: Uint8Array
}

/** Appends records of one batch each, so many to a commit, one commit after the other; then reads all of them. */
export async function useLog(log: Log, made: readonly Made[], perCommit: number, events: number): Promise<LogUse> {
  const from = (await log.bounds('events'))[0]!.next
  const append = await timed(events, async () => {
    for (let at = 0; at < made.length; at += perCommit) {
      const group = made.slice(at, at + perCommit)
      await log.append(
        group.map((record) => ({ topic: 'events' as const, partition: 0, ...record })),
        {},
        signal,
      )
    }
  })
  const records: LogRecord[] = []
  const read = await timed(events, async () => {
    for (let offset = from; records.length < made.length; ) {
      records.push(
        ...(await log.read({ topic: 'events', partition: 0, offset }, { bytes: readBytes, waitMs: 0 }, signal)),
      )
      offset = records.at(-1)!.offset + 1
    }
  })
  return { append, read, records }
}

async function timed(events: number, work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / events
}
