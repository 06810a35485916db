import { unpackLogPosition } from '@millrace/protocol'
import { PipelineError } from '../core/errors.ts'
import { stepsOf, type WhyStep } from '../core/steps.ts'
import type { Log } from '../log/log.ts'
import { type Attempt, attemptsOf } from '../query/attempts.ts'
import type { Store } from '../stores/store.ts'
import { tailAttempts } from './tail-attempts.ts'
import { unloadedTail } from './unloaded.ts'

export interface WhyView {
  readonly id: string
  readonly project: string
  readonly source: string
  readonly received_at: string
  readonly outcome: string
  readonly reason: string | null
  readonly issues: readonly string[]
  readonly log: { readonly topic: string; readonly partition: number; readonly offset: number } | null
  /** Whether its row is in the tables, for SQL to find. */
  readonly in_tables: boolean
  /** When its row came into the tables. Nobody notes that moment, so it is null: `received_at` would be another one. */
  readonly stored_at: null
  readonly steps: readonly WhyStep[]
  /** Every arrival of this id, newest first, at most 100. */
  readonly attempts: readonly {
    received_at: string
    source: string
    outcome: string
    reason: string | null
    count: number
    batch_id: string
  }[]
}

interface Found extends Attempt {
  readonly isLoaded: boolean
}

const maxAttempts = 100

/**
 * The way of one event: from the tables, and from the part of the log that is not in them yet. With several attempts, the one
 * that was stored speaks for the id; without such, the latest. Throws `not_found` when the id was never seen.
 */
export async function whyView(
  log: Log,
  store: Store,
  project: string,
  id: string,
  signal: AbortSignal,
): Promise<WhyView> {
  const tail = await unloadedTail(log, signal)
  const waiting = await tailAttempts(tail, log.epoch(), project, id, signal)
  const found: Found[] = waiting.map((attempt) => ({ ...attempt, isLoaded: false }))
  for (const attempt of await attemptsOf(store, project, id, maxAttempts, signal))
    if (!found.some(({ logPosition, outcome }) => logPosition === attempt.logPosition && outcome === attempt.outcome))
      found.push({ ...attempt, isLoaded: true })
  if (found.length === 0) throw new PipelineError('not_found', `no event with this id was seen in project ${project}`)
  found.sort((a, b) => b.receivedAt.localeCompare(a.receivedAt))
  const speaker = found.find(({ outcome }) => outcome === 'stored') ?? found[0]!
  const { partition, offset } = unpackLogPosition(BigInt(speaker.logPosition))
  return {
    id,
    project,
    source: speaker.source,
    received_at: speaker.receivedAt,
    outcome: speaker.outcome,
    reason: speaker.reason || null,
    issues: speaker.issues,
    log: { topic: speaker.outcome === 'stored' ? 'events' : 'outcomes', partition, offset },
    in_tables: speaker.isLoaded,
    stored_at: null,
    steps: stepsOf(speaker.outcome, speaker.reason, speaker.issues, speaker.notes, speaker.isLoaded),
    attempts: found.slice(0, maxAttempts).map(({ receivedAt, source, outcome, reason, count, batchId }) => ({
      received_at: receivedAt,
      source,
      outcome,
      reason: reason || null,
      count,
      batch_id: batchId,
    })),
  }
}
