import {
  decodeEventsRecord,
  encodeDeadLetter,
  encodeEventsRecord,
  encodeOutcomesRecord,
  packLogPosition,
} from '@millrace/protocol'
import { describe, expect, it } from 'vitest'
import type { Log, LogRecord } from '../log/log.ts'
import { groupCommit, trafficStart } from '../testing/log-traffic.ts'
import { memoryLog } from '../testing/memory-log.ts'
import { tailAttempts } from './tail-attempts.ts'
import { tailCounts } from './tail-counts.ts'
import { unloadedTail } from './unloaded.ts'

const signal = new AbortController().signal
const epoch = 7
const window = { project: 'default', from: trafficStart - 60_000, to: trafficStart + 3_600_000 }

/** A log with these group commits, of which `load` has committed the first ones. */
async function logWith(commits: readonly Parameters<typeof groupCommit>[0][], loaded = 0): Promise<Log> {
  const log = memoryLog({ partitions: 2, epoch })
  for (const [at, commit] of commits.entries()) {
    if (at === loaded) await commitAll(log)
    await log.append(groupCommit(commit), {}, signal)
  }
  if (loaded >= commits.length) await commitAll(log)
  return log
}

/** What `load` does when it has loaded everything. */
async function commitAll(log: Log): Promise<void> {
  const topics = ['events', 'quarantine', 'outcomes', 'deadletters'] as const
  const membership = await log.join('load', topics, async () => {}, signal)
  const ends = await Promise.all(
    topics.map(async (topic) =>
      (await log.bounds(topic)).map(({ partition, next }) => ({ topic, partition, offset: next })),
    ),
  )
  await log.commit(membership, ends.flat())
  await membership.leave()
}

async function recordsOf(log: Log): Promise<LogRecord[]> {
  const found: LogRecord[] = []
  await (await unloadedTail(log, signal)).forEach((record) => void found.push(record), signal)
  return found
}

describe('the unloaded part of the log', () => {
  it('is everything while nothing was loaded', async () => {
    const log = await logWith([{ batch: 0 }, { batch: 1, partition: 1 }])
    const tail = await unloadedTail(log, signal)
    expect(tail.loaded).toEqual({ events: [], quarantine: [], outcomes: [], deadletters: [] })
    const records = await recordsOf(log)
    expect(records.map(({ topic, partition, offset }) => `${topic}/${partition}/${offset}`)).toEqual([
      'events/0/0',
      'events/1/0',
      'outcomes/0/0',
      'outcomes/0/1',
    ])
  })

  it('begins where load has committed; what is before it are ranges of positions', async () => {
    const log = await logWith([{ batch: 0 }, { batch: 1 }, { batch: 2 }], 2)
    const { loaded } = await unloadedTail(log, signal)
    const range = {
      first: packLogPosition({ epoch, partition: 0, offset: 0, index: 0 }),
      last: packLogPosition({ epoch, partition: 0, offset: 1, index: 0xffff }),
    }
    expect(loaded).toEqual({ events: [range], quarantine: [], outcomes: [range], deadletters: [] })
    expect((await recordsOf(log)).map(({ offset }) => offset)).toEqual([2, 2])
  })

  it('is nothing when all is loaded', async () => {
    expect(await recordsOf(await logWith([{ batch: 0 }], 1))).toEqual([])
  })

  it('stays as it was at its moment although more comes', async () => {
    const log = await logWith([{ batch: 0 }])
    const tail = await unloadedTail(log, signal)
    await log.append(groupCommit({ batch: 1 }), {}, signal)
    const seen: number[] = []
    await tail.forEach(({ offset }) => void seen.push(offset), signal)
    expect(seen).toEqual([0, 0])
  })

  it('sees a group commit whole or not at all, however busy the log is', async () => {
    const log = memoryLog()
    let batch = 0
    let isBusy = true
    const busy = (async () => {
      while (isBusy) await log.append(groupCommit({ batch: batch++, events: 2, duplicates: 1 }), {}, signal)
    })()
    for (let look = 0; look < 20; look++) {
      const { inFlight, collected } = await tailCounts(await unloadedTail(log, signal), window, signal)
      const counted = collected.reduce((sum, { events }) => sum + events, 0)
      expect(inFlight.stored + inFlight.duplicate).toBe(counted)
    }
    isBusy = false
    await busy
  })

  it('leaves out a group commit of which a part lies beyond the moment, and keeps its neighbours', async () => {
    const log = await logWith([{ batch: 0 }, { batch: 1 }, { batch: 2 }])
    const names = new Map([0, 1, 2].map((offset) => [offset, `commit ${offset}`]))
    const torn: Log = {
      ...log,
      async read(...asked) {
        return (await log.read(...asked)).map((record) => ({ ...record, append: names.get(record.offset) ?? '' }))
      },
      async moment() {
        const { ends } = await log.moment(signal)
        return {
          ends: ends.map((end) => (end.topic === 'outcomes' ? { ...end, next: 1 } : end)),
          includes: ({ append }) => append !== 'commit 1' && append !== 'commit 2',
        }
      },
    }
    const { inFlight, collected } = await tailCounts(await unloadedTail(torn, signal), window, signal)
    expect(inFlight.stored).toBe(collected.reduce((sum, { events }) => sum + events, 0))
    expect((await recordsOf(torn)).map(({ topic, offset }) => `${topic}/${offset}`)).toEqual(['events/0', 'outcomes/0'])
  })

  it('stops when the asker leaves', async () => {
    const tail = await unloadedTail(await logWith([{ batch: 0 }]), signal)
    await expect(tail.forEach(() => {}, AbortSignal.abort(new Error('left')))).rejects.toThrow('left')
  })
})

describe('counts of the unloaded part', () => {
  it('are those of its records, beside those of the collector', async () => {
    const log = await logWith([
      { batch: 0, events: 3, quarantined: 2, duplicates: 4 },
      { batch: 1, events: 1, partition: 1 },
    ])
    const { inFlight, collected } = await tailCounts(await unloadedTail(log, signal), window, signal)
    expect(inFlight).toEqual({ stored: 4, duplicate: 4, dropped: 0, quarantined: 2 })
    const sums = Map.groupBy(collected, ({ outcome }) => outcome)
    expect(sums.get('stored')?.reduce((sum, { events }) => sum + events, 0)).toBe(4)
    expect(sums.get('duplicate')?.reduce((sum, { events }) => sum + events, 0)).toBe(4)
    expect(sums.get('quarantined')?.reduce((sum, { events }) => sum + events, 0)).toBe(2)
  })

  it('leave out other projects and other minutes', async () => {
    const tail = await unloadedTail(await logWith([{ batch: 0, events: 3, quarantined: 1, duplicates: 1 }]), signal)
    const nothing = { inFlight: { stored: 0, duplicate: 0, dropped: 0, quarantined: 0 }, collected: [] }
    expect(await tailCounts(tail, { ...window, project: 'shop' }, signal)).toEqual(nothing)
    expect(await tailCounts(tail, { ...window, to: trafficStart }, signal)).toEqual(nothing)
    expect(await tailCounts(tail, { ...window, from: trafficStart + 60_000 }, signal)).toEqual(nothing)
  })

  it('count the events of a record that load gave up as stored and waiting', async () => {
    const log = memoryLog({ epoch })
    const [record] = groupCommit({ batch: 0, events: 3 })
    await log.append([letter(record!.value), letter(new Uint8Array([1, 2, 3]))], {}, signal)
    const { inFlight } = await tailCounts(await unloadedTail(log, signal), window, signal)
    expect(inFlight.stored).toBe(3)
  })
})

const letter = (value: Uint8Array) => ({
  topic: 'deadletters' as const,
  partition: 0,
  value: encodeDeadLetter({
    topic: 'events',
    partition: 0,
    offset: 41,
    job: 'load',
    failedAt: 1,
    attempts: 5,
    error: 'query_failed',
    value,
  }),
})

describe('attempts in the unloaded part', () => {
  const attempts = async (log: Log, id: string, project = 'default') =>
    tailAttempts(await unloadedTail(log, signal), epoch, project, id, signal)

  it('tell where the event stands and what the gate changed', async () => {
    const log = await logWith([
      { batch: 0 },
      { batch: 1, partition: 1, columns: () => ({ context: { millrace: { clock: 'corrected by 90 s' } } }) },
    ])
    expect(await attempts(log, 'event-1-2')).toEqual([
      {
        id: 'event-1-2',
        project: 'default',
        source: 'test',
        receivedAt: '2026-11-01T00:00:01.000Z',
        outcome: 'stored',
        reason: '',
        issues: [],
        batchId: 'batch-1',
        count: 1,
        logPosition: packLogPosition({ epoch, partition: 1, offset: 0, index: 2 }).toString(),
        notes: { clock: 'corrected by 90 s' },
      },
    ])
  })

  it('find an id that is not ASCII, and no other that merely contains it', async () => {
    const log = memoryLog({ epoch })
    const envelope = {
      project: 'default',
      batchId: 'b',
      source: 'test',
      ingestedAt: trafficStart,
      schemaVersion: 1,
      planVersion: 0,
    }
    const value = encodeEventsRecord(envelope, [{ id: 'Zürich-1' }, { id: 'Zürich-12' }])
    await log.append([{ topic: 'events', partition: 0, value }], {}, signal)
    expect(decodeEventsRecord(value).events).toHaveLength(2)
    expect((await attempts(log, 'Zürich-1')).map(({ id }) => id)).toEqual(['Zürich-1'])
  })

  it('find outcomes, each at its own position, of the own project only', async () => {
    const log = memoryLog({ epoch })
    const row = {
      id: 'x',
      source: 'test',
      receivedAt: trafficStart,
      outcome: 'duplicate' as const,
      reason: '',
      issues: [],
      batchId: 'b',
      count: 2,
    }
    const value = encodeOutcomesRecord({
      rows: [
        { ...row, project: 'shop' },
        { ...row, project: 'default' },
        {
          ...row,
          project: 'default',
          outcome: 'quarantined',
          reason: 'schema',
          issues: ['/url: expected text'],
          count: 1,
        },
      ],
      counts: [],
    })
    await log.append([{ topic: 'outcomes', partition: 0, value }], {}, signal)
    const found = await attempts(log, 'x')
    expect(found.map(({ outcome, count, logPosition }) => [outcome, count, logPosition])).toEqual(
      [1, 2].map((index) => [
        index === 1 ? 'duplicate' : 'quarantined',
        index === 1 ? 2 : 1,
        packLogPosition({ epoch, partition: 0, offset: 0, index }).toString(),
      ]),
    )
    expect(await attempts(log, 'y')).toEqual([])
  })

  it('find the events of a record that load gave up, at their own position', async () => {
    const log = memoryLog({ epoch })
    const [record] = groupCommit({ batch: 0, events: 2 })
    await log.append([letter(record!.value)], {}, signal)
    expect((await attempts(log, 'event-0-1')).map(({ logPosition }) => logPosition)).toEqual([
      packLogPosition({ epoch, partition: 0, offset: 41, index: 1 }).toString(),
    ])
  })
})
