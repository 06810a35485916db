import { readEnvelope } from '@millrace/protocol'
import type { Deps } from '../../core/deps.ts'
import { PipelineError, toPipelineError } from '../../core/errors.ts'
import type { Log } from '../../log/log.ts'
import { type Tiers, wordsOf } from './claims.ts'
import { EMPTY, FIRST_CLAIM, STORED } from './generation.ts'

export interface FollowOptions {
  readonly log: Log
  readonly deps: Deps
  readonly tiers: Tiers
  /** Sees to it that the active generation has room for so many more ids; false: not now. */
  makeRoom(ids: number): boolean
  /** Resolves when there may be room again. */
  roomAgain(signal: AbortSignal): Promise<void>
  /** By partition: everything before these offsets is in `tiers`. Moved on here. */
  readonly known: Record<string, number>
}

export interface Follower {
  start(): void
  stop(): Promise<void>
  /** For how long it has not been sure to know everything that is in the log. */
  behindMs(): number
}

const readBytes = 4 << 20
const waitMs = 1000
const soonMs = 20
const retryMs = 250
/** Who reads records as fresh as this has caught up; the clocks of two machines differ a little. */
const freshMs = 3000

/** Learns the ids that other collectors have stored, by reading the log's end, one partition beside the other. */
export function createFollower({ log, deps, tiers, makeRoom, roomAgain, known }: FollowOptions): Follower {
  const { clock, logger } = deps
  const stopping = new AbortController()
  const { signal } = stopping
  const caughtUpAt = new Map<string, number>()
  /** Stored by another, but held by an open claim of ours: its end decides whether they have to be learnt. */
  let undecided: number[] = []
  let running: Promise<unknown> = Promise.resolve()

  function ownerOf(w0: number, w1: number, w2: number, w3: number): number {
    for (const { generation } of tiers.retired) {
      const slot = generation.seek(w0, w1, w2, w3)
      if (slot >= 0) return generation.owner(slot)
    }
    return EMPTY
  }

  /** There is room for them. */
  function take(words: Int32Array): void {
    tiers.active.touch(clock.now())
    for (let at = 0; at < words.length; at += 4) {
      const [w0, w1, w2, w3] = [words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!]
      const slot = tiers.active.seek(w0, w1, w2, w3)
      const owner = slot >= 0 ? tiers.active.owner(slot) : ownerOf(w0, w1, w2, w3)
      if (owner >= FIRST_CLAIM) undecided.push(w0, w1, w2, w3)
      else if (owner === EMPTY && !tiers.active.take(~slot, STORED, w0, w1, w2, w3))
        throw new PipelineError('internal', 'a generation of the dedup index is full before its time')
    }
  }

  async function learn(words: Int32Array): Promise<void> {
    while (!makeRoom(words.length / 4)) await roomAgain(signal)
    take(words)
  }

  async function step(partition: number): Promise<void> {
    const offset = known[partition] ?? 0
    const began = performance.now()
    const records = await log.read(
      { topic: 'events', partition, offset },
      { bytes: readBytes, waitMs: undecided.length === 0 ? waitMs : soonMs, fingerprints: true },
      signal,
    )
    for (const record of records) {
      if (record.fingerprints !== undefined) await learn(wordsOf(record.fingerprints))
      known[partition] = record.offset + 1
    }
    const last = records.at(-1)
    if (last === undefined || isFresh(last.value, clock.now())) caughtUpAt.set(String(partition), began)
    if (undecided.length === 0) return
    const again = Int32Array.from(undecided)
    undecided = []
    await learn(again)
  }

  async function follow(partition: number): Promise<void> {
    while (!signal.aborted) {
      try {
        await step(partition)
      } catch (error) {
        if (signal.aborted) return
        const { code, message } = toPipelineError(error)
        if (code === 'trimmed') await skip(partition).catch(() => undefined)
        else logger.warn({ partition, why: message }, 'cannot read what other collectors have stored; trying again')
        await clock.sleep(retryMs, signal).catch(() => undefined)
      }
    }
  }

  async function skip(partition: number): Promise<void> {
    const first = (await log.bounds('events')).find((bounds) => bounds.partition === partition)?.first ?? 0
    logger.error(
      { partition, from: known[partition] ?? 0, to: first },
      'the log no longer holds records that this collector has not read: ids in them that are sent again may be stored twice',
    )
    known[partition] = first
  }

  return {
    start() {
      const partitions = Array.from({ length: log.partitions('events') }, (_, partition) => partition)
      for (const partition of partitions) caughtUpAt.set(String(partition), performance.now())
      running = Promise.all(partitions.map(follow))
    },
    async stop() {
      stopping.abort()
      await running
    },
    behindMs: () => performance.now() - Math.min(...caughtUpAt.values()),
  }
}

function isFresh(record: Uint8Array, now: number): boolean {
  try {
    return readEnvelope(record).ingestedAt > now - freshMs
  } catch {
    return false // cannot be read: says nothing
  }
}
