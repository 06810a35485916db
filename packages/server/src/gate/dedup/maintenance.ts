import { unlink } from 'node:fs/promises'
import type { Deps } from '../../core/deps.ts'
import { showBytes, showDuration } from '../../core/units.ts'
import type { DedupMetrics } from './dedup-metrics.ts'
import type { Generation } from './generation.ts'
import { mergeFiles, planMerge } from './merge.ts'
import { type SealedFile, openSealedFile } from './sealed-file.ts'
import type { Offsets } from './sealed-format.ts'
import { syncFolder, writeSealedFile } from './sealed-writer.ts'

/** A generation that takes no more ids. Everything in records before `to` is in it or in what is older. */
export interface Retired {
  readonly generation: Generation
  readonly to: Offsets
}

export interface MaintenanceOptions {
  readonly dir: string
  readonly windowMs: number
  readonly maxBytes: number
  readonly deps: Deps
  readonly metrics: DedupMetrics
  /** Both are changed here and nowhere else, but for what is pushed to `retired`; oldest first. */
  readonly retired: Retired[]
  readonly files: SealedFile[]
  retireByAge(now: number): void
  onDropped(): void
  readonly facts: { readonly epoch: number; readonly keyCheck: string }
  readonly nextSequence: number
  sealedTo(): Offsets
  onSealed(to: Offsets): void
}

/** `dedup.maxBytes` never makes the window shorter than this. */
const shortestWindowMs = 24 * 3_600_000
const everyMs = 30_000
/** Ids between two turns of the event loop: below 1 ms. */
const sliceIds = 8192

/**
 * Writes retired generations to files, merges files, drops them: one after the other, in slices between which the event loop
 * goes on. What fails is tried again at the next round; ids stay in memory until their file is synced.
 */
export function createMaintenance(options: MaintenanceOptions) {
  const { dir, retired, files, deps, metrics } = options
  const { clock, logger } = deps
  const stopping = new AbortController()
  let sequence = options.nextSequence
  let running: Promise<void> | undefined
  let wake = Promise.withResolvers<void>()
  let round = Promise.withResolvers<void>()
  /** Ids before it were dropped for want of room. */
  let forgottenBeforeMs = (files[0]?.header.first ?? 1) > 1 ? files[0]!.header.fromMs : 0
  let isOverfull = false

  const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve))

  async function* slices(generation: Generation): AsyncGenerator<Int32Array> {
    for (const batch of generation.sorted(sliceIds)) {
      yield batch
      await nextTurn()
    }
  }

  /** Seals the oldest retired generation; false when there is none, or a claim in it is still open. */
  async function sealOldest(signal: AbortSignal): Promise<boolean> {
    const oldest = retired[0]
    if (oldest === undefined || oldest.generation.claimed > 0) return false
    const { generation, to } = oldest
    if (generation.stored > 0) {
      const { fromMs, toMs, stored } = generation
      const facts = { ...options.facts, first: sequence, last: sequence, fromMs, toMs, from: options.sealedTo(), to }
      const path = await writeSealedFile(dir, facts, stored, slices(generation), signal)
      const file = await openSealedFile(path)
      sequence++
      files.push(file)
      options.onSealed(to)
    }
    // In the same turn as the push: every id is found in one or the other.
    retired.shift()
    return true
  }

  async function mergeOnce(signal: AbortSignal): Promise<boolean> {
    const plan = planMerge(
      files.map((file) => file.header),
      options.windowMs,
    )
    if (plan === undefined) return false
    const [first, end] = plan
    const old = files.slice(first, end)
    const merged = await mergeFiles(dir, old, nextTurn, signal)
    files.splice(first, end - first, merged)
    await remove(old)
    return true
  }

  async function remove(old: readonly SealedFile[]): Promise<void> {
    for (const file of old) {
      await file.close()
      await unlink(file.path)
    }
    await syncFolder(dir)
  }

  async function dropOldest(why: 'window' | 'size'): Promise<void> {
    const dropped = files.shift()
    if (dropped === undefined) return
    metrics.dropped(why)
    options.onDropped()
    if (why === 'size') forgottenBeforeMs = Math.max(forgottenBeforeMs, dropped.header.toMs)
    await remove([dropped])
  }

  async function drop(): Promise<void> {
    const now = clock.now()
    while (files.length > 0 && files[0]!.header.toMs + options.windowMs < now) await dropOldest('window')
    const size = () => files.reduce((sum, file) => sum + file.diskBytes, 0)
    while (size() > options.maxBytes && files[0]!.header.toMs + shortestWindowMs < now) {
      await dropOldest('size')
      const window = showDuration(windowMs())
      logger.warn(
        { maxBytes: options.maxBytes },
        `dedup.maxBytes is reached: duplicates are now found within ${window} only; raise it to keep more`,
      )
    }
    if (size() > options.maxBytes && !isOverfull) {
      const needed = `the ids of 24 h take ${showBytes(size())}, more than dedup.maxBytes (${showBytes(options.maxBytes)})`
      logger.warn({}, `${needed}: they are kept all the same; raise it`)
    }
    isOverfull = size() > options.maxBytes
  }

  const windowMs = () => Math.min(options.windowMs, clock.now() - forgottenBeforeMs)

  async function attempt(op: string, action: () => Promise<boolean | void>): Promise<boolean> {
    try {
      return (await action()) === true
    } catch (error) {
      if (stopping.signal.aborted) return false
      metrics.failed(op)
      logger.error({ err: error, op }, `the dedup index failed to ${op}, trying again in ${everyMs / 1000} s`)
      return false
    }
  }

  async function run(): Promise<void> {
    const { signal } = stopping
    while (!signal.aborted) {
      wake = Promise.withResolvers()
      options.retireByAge(clock.now())
      let isBusy = true
      while (isBusy && !signal.aborted) {
        // Sealing goes first: memory waits for it.
        isBusy = (await attempt('seal', () => sealOldest(signal))) || (await attempt('merge', () => mergeOnce(signal)))
        round.resolve()
        round = Promise.withResolvers()
      }
      await attempt('drop', drop)
      await pause(signal)
    }
  }

  /** Until somebody wakes it, or a while has passed. */
  async function pause(signal: AbortSignal): Promise<void> {
    const pausing = new AbortController()
    const sleep = clock.sleep(everyMs, AbortSignal.any([signal, pausing.signal])).catch(() => undefined)
    await Promise.race([sleep, wake.promise])
    pausing.abort()
  }

  return {
    start() {
      running = run()
    },
    wake: () => wake.resolve(),
    windowMs,
    /** Resolves after the next step of work. */
    async settled(signal: AbortSignal): Promise<void> {
      signal.throwIfAborted()
      wake.resolve()
      await Promise.race([round.promise, clock.sleep(everyMs, signal)])
    },
    /** Ends a merge under way and seals what is retired, so that the next start has nothing to read back. */
    async stop() {
      stopping.abort()
      wake.resolve()
      await running
      const { signal } = new AbortController()
      try {
        while (await sealOldest(signal)) await nextTurn()
      } catch (error) {
        metrics.failed('seal')
        logger.error(
          { err: error },
          'the dedup index could not be written at the end: the next start reads it from the log',
        )
      }
      if (retired.length > 0)
        logger.warn({ generations: retired.length }, 'ids that are not sealed are read from the log at the next start')
    },
  }
}
