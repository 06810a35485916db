import { encodeDeadLetter } from '@millrace/protocol'
import { PipelineError } from '../core/errors.ts'
import type { NewRecord } from '../log/log.ts'
import { attemptsMax, type Poison } from './attempts.ts'

/** From this many records of one topic on, a store that refuses all of them is broken, not they. */
const systematicFrom = 3

/**
 * Refuse to bury records for what is not their fault. Throws `unavailable` (the plan is tried again without end) when
 * - the store refuses every record of a topic, though they can be read, or
 * - a dead letter itself cannot be loaded: burying it again would never end.
 */
export function assertPoison(poison: readonly Poison[], countOf: (topic: string) => number): void {
  const letter = poison.find(({ record }) => record.topic === 'deadletters')
  if (letter) {
    const { topic, partition, offset } = letter.record
    throw later(`dead letter ${topic}/${partition}/${offset} cannot be loaded: ${letter.failure.message}`, letter)
  }
  for (const { record, failure } of poison) {
    const alike = poison.filter((each) => each.record.topic === record.topic && each.failure.code !== 'corrupt')
    if (alike.length >= systematicFrom && alike.length === countOf(record.topic))
      throw later(`all ${alike.length} records of ${record.topic} are refused: ${failure.message}`, alike[0] as Poison)
  }
}

function later(message: string, { failure }: Poison): PipelineError {
  return new PipelineError('unavailable', message, { retry: 'later', cause: failure })
}

export function deadLetters(poison: readonly Poison[], job: string, failedAt: number): NewRecord[] {
  return poison.map(({ record, failure }) => ({
    topic: 'deadletters',
    partition: 0,
    value: encodeDeadLetter({
      topic: record.topic,
      partition: record.partition,
      offset: record.offset,
      job,
      failedAt,
      attempts: attemptsMax,
      // The code alone: a store's own message may quote values of the event.
      error: failure.code,
      value: record.value,
    }),
  }))
}
