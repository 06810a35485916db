import type { DurableOutcome } from './outcome.ts'

/** The way of an event as `why` tells it: the gate's steps in order (gate/gate.ts), then `load`. */
export const steps = [
  'authenticate',
  'decode',
  'identify',
  'limit',
  'validate',
  'clock',
  'derive',
  'dedup',
  'append',
  'load',
] as const
export type StepName = (typeof steps)[number]

export interface WhyStep {
  readonly step: StepName
  readonly verdict: 'pass' | 'quarantine' | 'drop' | 'duplicate' | 'waiting' | 'failed'
  /** Only where the step changed something or said no. */
  readonly note: string | null
}

/** Which step gives which reason; a reason that is not here is `validate`'s. */
const stepOfReason: Readonly<Record<string, StepName>> = {
  decode: 'decode',
  id: 'identify',
  too_large: 'limit',
  limit: 'limit',
  schema: 'validate',
  expired: 'derive',
  load_failed: 'load',
}

/** The steps that an event with this outcome went through, up to the one that ended its way. */
export function stepsOf(
  outcome: DurableOutcome,
  reason: string,
  issues: readonly string[],
  notes: Readonly<Record<string, unknown>>,
  isLoaded: boolean,
): WhyStep[] {
  const end: StepName = outcome === 'duplicate' ? 'dedup' : outcome === 'stored' ? 'load' : refusedBy(reason, issues)
  return steps.slice(0, steps.indexOf(end) + 1).map((step) => {
    const note = typeof notes[step] === 'string' ? notes[step] : null
    if (step !== end) return { step, verdict: 'pass', note }
    if (outcome === 'stored')
      return {
        step,
        verdict: isLoaded ? 'pass' : 'waiting',
        note: isLoaded ? note : 'in the log, not in the tables yet',
      }
    if (outcome === 'duplicate') return { step, verdict: 'duplicate', note: 'an event with this id is stored already' }
    return {
      step,
      verdict: reason === 'load_failed' ? 'failed' : outcome === 'dropped' ? 'drop' : 'quarantine',
      note: reason,
    }
  })
}

function refusedBy(reason: string, issues: readonly string[]): StepName {
  // Too old and too far ahead are the clock's word, under the same reason as every other wrong value.
  if (reason === 'schema' && issues.some((issue) => /^\/timestamp: .* (old|ahead),/.test(issue))) return 'clock'
  return stepOfReason[reason] ?? 'validate'
}
