import type { Deps } from '../core/deps.ts'
import type { PipelineError } from '../core/errors.ts'
import { toPipelineError } from '../core/errors.ts'
import type { Log, LogRecord, Membership } from '../log/log.ts'
import { type AttemptOptions, attempt, attemptsMax, isOurs, isolate } from './attempts.ts'
import { backOffMs } from './back-off.ts'
import { assertPoison, deadLetters } from './dead-letters.ts'
import { createFeeder } from './feeder.ts'
import type { Job } from './job.ts'
import { endOf, type Plan, readNotes, remainder, startOf, writeNote } from './plan.ts'
import { gather, type PlanLimits, type PlannedRecords, sortAs } from './planner.ts'
import { eventsOf } from './record-facts.ts'

/** What the runner's status and metrics are made of. */
export interface SessionEvents {
  planned(plan: Plan, records: readonly LogRecord[]): void
  failed(failure: PipelineError | undefined, attempts: number): void
  buried(count: number): void
  committed(records: number, events: number): void
}

export interface SessionOptions {
  readonly job: Job
  readonly log: Log
  readonly limits: PlanLimits
  readonly membership: Membership
  readonly events: SessionEvents
  readonly deps: Deps
}

/** `gather` ends the looking for more; `work` also what is being processed. */
export interface SessionSignals {
  readonly gather: AbortSignal
  readonly work: AbortSignal
}

const rereadBytes = 16 << 20

/**
 * The partitions of one assignment, until they change or the runner ends (then it returns).
 *
 *   noted plans of whoever had the partitions before: run again, verifying, committed
 *   then, over and over:  gather → note it in the log → process → commit, with the next plan's note if that is full already
 *
 * A plan is in the log before any of it is anywhere else, so a crash at any point leads back to the first line.
 */
export async function runSession(options: SessionOptions, signals: SessionSignals): Promise<void> {
  const { job, log, membership, events, deps } = options
  const { clock, logger } = deps
  const epoch = log.epoch()
  const attempts: AttemptOptions = {
    job,
    epoch,
    clock,
    logger,
    onFailure: (failure, number) => events.failed(failure, number),
  }

  for (let left = unfinished(); left.length > 0; left = unfinished()) {
    const [noted, ...others] = left as [Plan, ...Plan[]]
    const records = await reread(log, noted, signals.work)
    logger.info({ job: job.name, plan: noted.id, records: records.length }, 'verifying the plan of an earlier run')
    const planned = { plan: noted, records, events: records.reduce((sum, record) => sum + eventsOf(record), 0) }
    // A commit replaces the notes of all partitions: what is still to be ended stays in them.
    await finish(planned, true, () => others)
  }

  // Ends the feeders with the session, however it ends.
  const feeding = new AbortController()
  const reading = AbortSignal.any([signals.gather, feeding.signal])
  const bell = createBell(reading)
  const feeders = membership
    .owned()
    .map((from) => createFeeder(from, { log, clock, logger, onChange: () => bell.ring(), signal: reading }))
  const planner = { ...options, job: job.name, epoch, feeders, clock, change: (ms: number) => bell.wait(ms) }
  try {
    let current = await next()
    let isNoted = false
    while (current) {
      if (!isNoted) await log.commit(membership, startOf(current.plan), writeNote(current.plan))
      let ready: PlannedRecords | undefined
      const upcoming = next().then((planned) => (ready = planned))
      // It is awaited below; until then its failure must not count as unhandled.
      upcoming.catch(() => undefined)
      // What becomes ready after that commit began is not in it.
      let noted: PlannedRecords | undefined
      await finish(current, false, () => {
        noted = ready
        return noted === undefined ? [] : [noted.plan]
      })
      isNoted = noted !== undefined
      current = noted ?? (await upcoming)
    }
  } finally {
    feeding.abort()
  }

  /** The next plan, or undefined when the session is to end. */
  async function next(): Promise<PlannedRecords | undefined> {
    try {
      return await gather(planner, reading)
    } catch (error) {
      if (reading.aborted) return undefined
      throw error
    }
  }

  /** Plans noted by whoever had the partitions before, as far as they are not done. */
  function unfinished(): readonly Plan[] {
    const owned = membership.owned()
    return readNotes(membership.notes()).flatMap((plan) => remainder(plan, owned) ?? [])
  }

  /** Process and commit one noted plan. `next` is asked, as the commit begins, for the plans to note with it. */
  async function finish(planned: PlannedRecords, verify: boolean, next: () => readonly Plan[]): Promise<void> {
    const { plan, records } = planned
    events.planned(plan, records)
    if (plan.isolate) await bury(planned, next)
    else if (await attempt(records, { id: plan.id, verify }, attemptsMax, attempts, signals.work)) {
      // Noted first: after a crash nobody may try the whole again beside what was stored record by record.
      const isolated = { ...planned, plan: { ...plan, isolate: true } }
      await log.commit(membership, startOf(plan), writeNote(isolated.plan, ...(verify ? next() : [])))
      await bury(isolated, next)
    } else await log.commit(membership, endOf(plan), writeNote(...next()))
    events.committed(records.length, planned.events)
  }

  /** Process record by record; those that cannot be become dead letters, in one transaction with the commit. */
  async function bury({ plan, records }: PlannedRecords, next: () => readonly Plan[]): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        const poison = await isolate(plan, records, attempts, signals.work)
        assertPoison(poison, (topic) => records.filter((record) => record.topic === topic).length)
        const commit = { membership, positions: endOf(plan), note: writeNote(...next()) }
        if (poison.length === 0) await log.commit(membership, commit.positions, commit.note)
        else await log.append(deadLetters(poison, job.name, clock.now()), { commit }, signals.work)
        for (const { record, failure } of poison) {
          const { topic, partition, offset } = record
          logger.error({ job: job.name, topic, partition, offset, code: failure.code }, 'record is a dead letter now')
        }
        events.buried(poison.length)
        return
      } catch (error) {
        signals.work.throwIfAborted()
        const failure = toPipelineError(error)
        // `unknown_result` of the append: whether it is there is known only by the committed positions, so start over from them.
        if (!isOurs(failure) || failure.code === 'unknown_result') throw error
        events.failed(failure, tries)
        logger.warn({ job: job.name, plan: plan.id, err: failure }, 'cannot sort out dead letters, trying again')
        await clock.sleep(backOffMs(tries), signals.work)
      }
    }
  }
}

/** Exactly the records of a noted plan. */
async function reread(log: Log, plan: Plan, signal: AbortSignal): Promise<LogRecord[]> {
  const records: LogRecord[] = []
  for (const { topic, partition, from, to } of plan.ranges) {
    for (let offset = from; offset < to; ) {
      const read = await log.read({ topic, partition, offset }, { bytes: rereadBytes, waitMs: 0 }, signal)
      const last = read.at(-1)
      if (last === undefined) break
      records.push(...read.filter((record) => record.offset < to))
      offset = last.offset + 1
    }
  }
  return sortAs(plan, records)
}

/** Wakes whoever waits for records, at once or when the time is up. */
function createBell(signal: AbortSignal) {
  let waiting: (() => void) | undefined
  const ring = () => waiting?.()
  signal.addEventListener('abort', ring, { once: true })
  return {
    ring,
    wait(ms: number): Promise<void> {
      if (signal.aborted) return Promise.resolve()
      return new Promise((resolve) => {
        const timer = setTimeout(done, ms)
        function done() {
          clearTimeout(timer)
          waiting = undefined
          resolve()
        }
        waiting = done
      })
    },
  }
}
