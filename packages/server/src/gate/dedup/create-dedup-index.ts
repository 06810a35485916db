import { unlink } from 'node:fs/promises'
import type { Deps } from '../../core/deps.ts'
import { PipelineError, toPipelineError } from '../../core/errors.ts'
import { showDuration } from '../../core/units.ts'
import type { State } from '../../kv/state.ts'
import type { Log, Position } from '../../log/log.ts'
import { type Tiers, createClaims, wordsOf } from './claims.ts'
import { FINGERPRINT_BYTES, type DedupIndex } from './dedup-index.ts'
import { registerDedupMetrics } from './dedup-metrics.ts'
import { createFingerprint } from './fingerprint.ts'
import { Generation, STORED } from './generation.ts'
import { loadIndexKey } from './index-key.ts'
import { createMaintenance, type Retired } from './maintenance.ts'
import { openFolder } from './open-folder.ts'
import { createLookups } from './lookups.ts'
import { planRecovery } from './recovery.ts'
import { createFollower, type Follower } from './shared-follow.ts'
import type { SealedFile } from './sealed-file.ts'
import type { Offsets } from './sealed-format.ts'

export interface DedupIndexOptions {
  /** The folder of its files, `<dataDir>/dedup`: this process's alone. */
  readonly dir: string
  /** Started before the index. */
  readonly log: Log
  /** Keeps the fingerprints' key; started before the index. */
  readonly state: State
  readonly windowMs: number
  /** Of the files on disk. */
  readonly maxBytes: number
  readonly deps: Deps
  /** Ids of the largest and of the first generation. */
  readonly generationIds?: number
  readonly firstGenerationIds?: number
  /** A generation is sealed at this age even when it is not full: a restart reads back no more than that. */
  readonly sealAfterMs?: number
  /** Reads of files within one claim: 0.6 ms from the page cache. What needs more is looked up in slices, and pending till then. */
  readonly readsAtOnce?: number
  /** Other collectors append to the log too: what they have stored is learnt from there, all the time. */
  readonly follow?: boolean
}

export interface FollowingIndex extends DedupIndex {
  /** For how long it has not been sure to know all that is stored; 0 where nobody else stores. */
  behindMs(): number
}

/**
 * Ids that wait for their file, in largest generations: beyond it new ids are refused for now, rather than memory taken
 * without end. 6 M ids are 200 MB.
 */
const waitingAtMost = 6
const readBackBytes = 8 * 1024 * 1024
/** Kafka ends a dead collector's transaction after 20 s. */
const readBackPatienceMs = 30_000
const readAgainMs = 250

export function createDedupIndex(options: DedupIndexOptions): FollowingIndex {
  const { log, deps } = options
  const { clock, logger } = deps
  const largest = options.generationIds ?? 1024 * 1024
  const smallest = Math.min(largest, options.firstGenerationIds ?? 64 * 1024)
  const sealAfterMs = options.sealAfterMs ?? Math.min(15 * 60_000, options.windowMs / 8)
  const retired: Retired[] = []
  const files: SealedFile[] = []
  const lookups = createLookups(files)
  const tiers: Tiers = { active: new Generation(smallest), retired, files }
  /** Everything before these offsets is in `tiers`. */
  const confirmed: Record<string, number> = {}
  let sealedTo: Offsets = {}
  let isRunning = false
  let fingerprint: DedupIndex['fingerprint'] = notRunning
  let maintenance: ReturnType<typeof createMaintenance> | undefined
  let follower: Follower | undefined

  const metrics = registerDedupMetrics(deps.metrics, () => {
    const generations = [tiers.active, ...retired.map(({ generation }) => generation)]
    return {
      ids: sum(generations, ({ stored }) => stored) + sum(files, ({ header }) => header.count),
      diskBytes: sum(files, (file) => file.diskBytes),
      memoryBytes: sum(generations, ({ bytes }) => bytes) + sum(files, (file) => file.memoryBytes) + lookups.bytes,
      files: files.length,
      windowSeconds: (maintenance?.windowMs() ?? options.windowMs) / 1000,
    }
  })

  const isCongested = () => sum(retired, ({ generation }) => generation.filled) >= waitingAtMost * largest

  /** Ends the active generation. What is confirmed by now is in it or in those before it; no later record is counted on. */
  function retire(nextIds: number): void {
    const { active } = tiers
    if (active.stored > 0 || active.claimed > 0) retired.push({ generation: active, to: { ...confirmed } })
    tiers.active = new Generation(nextIds)
    maintenance?.wake()
  }

  /** The next generation is larger when this one filled up, smaller when it grew old nearly empty. */
  function makeRoom(ids: number): void {
    const { active } = tiers
    if (!isRunning) throw new PipelineError('unavailable', 'the dedup index is not running')
    if (active.filled + ids > active.capacity) {
      if (isCongested()) {
        const detail = 'the dedup index cannot write its files fast enough: is the disk full or failing?'
        throw new PipelineError('unavailable', detail, { retryAfterSeconds: 5 })
      }
      retire(Math.max(Math.min(active.capacity * 4, largest), ids * 2))
    }
  }

  function retireByAge(now: number): void {
    const { active } = tiers
    if (active.stored === 0 || now - active.fromMs < sealAfterMs) return
    retire(active.filled * 8 < active.capacity ? Math.max(smallest, Math.ceil(active.capacity / 4)) : active.capacity)
  }

  const claim = createClaims({
    tiers,
    lookups,
    readsAtOnce: options.readsAtOnce ?? 256,
    makeRoom,
    onConfirm(records: readonly Position[]) {
      // Between them may be records of others, which are not known before they are read.
      if (options.follow === true) return
      for (const { topic, partition, offset } of records) {
        if (topic === 'events' && offset >= (confirmed[partition] ?? 0)) confirmed[partition] = offset + 1
      }
    },
    onSettled(generation) {
      if (generation !== tiers.active && generation.claimed === 0) maintenance?.wake()
    },
  })

  /** Opens what is sealed, and returns from where on the log has to be read. */
  async function openFiles(keyCheck: string): Promise<{ readFrom: Offsets; nextSequence: number }> {
    const found = await openFolder(options.dir, logger)
    const plan = planRecovery(found, { epoch: log.epoch(), bounds: await log.bounds('events') })
    if (plan.refuse !== undefined) {
      for (const { file } of found) await file?.close()
      const { path, problem } = plan.refuse
      const way =
        'restore it from a backup, or move it away to go on without the ids in it (events of that time that are sent again would be stored again)'
      throw new PipelineError(
        'corrupt',
        `${path} is broken: ${problem}, and the log no longer holds its records; ${way}`,
      )
    }
    const foreign = plan.keep.find(({ header }) => header?.keyCheck !== keyCheck)
    if (foreign !== undefined) {
      for (const { file } of found) await file?.close()
      const way = `restore the state that belongs to it, or delete ${options.dir} to forget which ids are stored`
      throw new PipelineError('corrupt', `${foreign.path} was made with another key than the state holds; ${way}`)
    }
    for (const { file, why } of plan.discard) {
      logger.warn({ path: file.path }, `dropping a file of the dedup index: ${why}`)
      await file.file?.close()
      await unlink(file.path)
    }
    for (const sentence of plan.lost) logger.error({ dir: options.dir }, sentence)
    for (const { file } of plan.keep) if (file !== undefined) files.push(file)
    return { readFrom: plan.readFrom, nextSequence: Math.max(0, ...found.map(({ last }) => last)) + 1 }
  }

  /** Takes in what the log holds behind the sealed files. Its time is not known: now, so that it stays rather too long. */
  async function readBack(from: Offsets, signal: AbortSignal): Promise<number> {
    let ids = 0
    for (const { partition, first, next } of await log.bounds('events')) {
      let offset = Math.max(first, from[partition] ?? 0)
      confirmed[partition] = offset
      while (offset < next) {
        const limit = { bytes: readBackBytes, waitMs: 0, fingerprints: true }
        const records = await patiently(() => log.read({ topic: 'events', partition, offset }, limit, signal), signal)
        // What is left are numbers that no record has: a driver may leave some out.
        if (records.length === 0) break
        for (const record of records) {
          if (record.fingerprints !== undefined) {
            while (isCongested()) await maintenance?.settled(signal)
            ids += restore(record.fingerprints)
          }
          offset = confirmed[partition] = record.offset + 1
        }
      }
    }
    return ids
  }

  /** Behind an append that another collector left open nothing can be read until the log itself has ended it. */
  async function patiently<T>(read: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (const until = clock.now() + readBackPatienceMs; ; ) {
      try {
        return await read()
      } catch (error) {
        const { retry, message } = toPipelineError(error)
        if (signal.aborted || retry === 'never' || clock.now() >= until) throw error
        logger.warn({ why: message }, 'waiting for the log, to learn which ids are stored')
        await clock.sleep(readAgainMs, signal)
      }
    }
  }

  function restore(fingerprints: Uint8Array): number {
    const words = wordsOf(fingerprints)
    const now = clock.now()
    makeRoom(fingerprints.length / FINGERPRINT_BYTES)
    const generation = tiers.active
    generation.touch(now)
    for (let at = 0; at < words.length; at += 4) {
      const [w0, w1, w2, w3] = [words[at]!, words[at + 1]!, words[at + 2]!, words[at + 3]!]
      const slot = generation.seek(w0, w1, w2, w3)
      if (slot < 0 && !generation.take(~slot, STORED, w0, w1, w2, w3)) {
        throw new PipelineError('internal', 'a generation of the dedup index is full before its time')
      }
    }
    return words.length / 4
  }

  return {
    async start(signal) {
      const began = performance.now()
      const key = await loadIndexKey(options.state)
      const made = createFingerprint(key)
      const check = Buffer.alloc(FINGERPRINT_BYTES)
      made('millrace', 'key check', check, 0)
      const keyCheck = check.toString('hex')
      const { readFrom, nextSequence } = await openFiles(keyCheck)
      sealedTo = readFrom
      isRunning = true
      maintenance = createMaintenance({
        dir: options.dir,
        windowMs: options.windowMs,
        maxBytes: options.maxBytes,
        deps,
        metrics,
        retired,
        files,
        retireByAge,
        onDropped: () => lookups.forget(),
        facts: { epoch: log.epoch(), keyCheck },
        nextSequence,
        sealedTo: () => sealedTo,
        onSealed: (to) => (sealedTo = to),
      })
      maintenance.start()
      const ids = await readBack(readFrom, signal)
      fingerprint = made
      if (options.follow === true) {
        follower = createFollower({
          log,
          deps,
          tiers,
          known: confirmed,
          makeRoom(ids) {
            if (isCongested()) return false
            makeRoom(ids)
            return true
          },
          roomAgain: async (signal) => await maintenance?.settled(signal),
        })
        follower.start()
      }
      logger.info(
        { files: files.length, sealed: sum(files, ({ header }) => header.count), readBack: ids },
        `dedup index ready in ${showDuration(performance.now() - began)}`,
      )
    },
    async stop() {
      await follower?.stop()
      isRunning = false
      fingerprint = notRunning
      if (maintenance !== undefined) {
        retire(0)
        await maintenance.stop()
        maintenance = undefined
      }
      for (const file of files.splice(0)) await file.close()
    },
    fingerprint: (project, id, out, at) => fingerprint(project, id, out, at),
    claim,
    behindMs: () => follower?.behindMs() ?? 0,
    sealedBefore: () =>
      Object.entries(sealedTo).map(([partition, offset]) => ({
        topic: 'events',
        partition: Number(partition),
        offset,
      })),
  }
}

function notRunning(): never {
  throw new PipelineError('unavailable', 'the dedup index is not running')
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0)
}
