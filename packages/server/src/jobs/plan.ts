import { createHash } from 'node:crypto'
import { z } from 'zod'
import { PipelineError } from '../core/errors.ts'
import { maxNoteBytes, type Position, type Topic, topics } from '../log/log.ts'

/** Records `from` (included) to `to` (not included) of one partition. */
export interface Range {
  readonly topic: Topic
  readonly partition: number
  readonly from: number
  readonly to: number
}

/** What is processed as one: it is fixed before any of it is written anywhere, and run again the same after a crash. */
export interface Plan {
  readonly id: string
  /** Of partitions with records only, sorted. */
  readonly ranges: readonly Range[]
  /** Processed record by record, since as a whole it failed too often. */
  readonly isolate: boolean
}

/** The id follows from the ranges alone, so that a second run of the same plan meets the first one's tokens. */
export function createPlan(job: string, epoch: number, ranges: readonly Range[]): Plan {
  const sorted = ranges.toSorted(
    (a, b) => topics.indexOf(a.topic) - topics.indexOf(b.topic) || a.partition - b.partition,
  )
  const text = sorted.map((range) => `${range.topic} ${range.partition} ${range.from} ${range.to}`).join('\n')
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 20)
  return { id: `${job}-${epoch}-${hash}`, ranges: sorted, isolate: false }
}

export const startOf = (plan: Plan): readonly Position[] =>
  plan.ranges.map(({ topic, partition, from }) => ({ topic, partition, offset: from }))

export const endOf = (plan: Plan): readonly Position[] =>
  plan.ranges.map(({ topic, partition, to }) => ({ topic, partition, offset: to }))

/*
 * The note of a commit: what is planned and not done yet.
 *
 *   note = [plan *(LF plan)]         several only while the plans of several members that died are being ended
 *   plan = JSON {"v":1,"id":…,"isolate":true?,"ranges":[[topic index, partition, from, to], …]}
 */
const noteSchema = z.strictObject({
  v: z.literal(1),
  id: z.string().max(100),
  isolate: z.literal(true).optional(),
  ranges: z.array(z.tuple([z.int().min(0), z.int().min(0), z.int().min(0), z.int().min(0)])),
})

/** A plan of more partitions would not fit into the note of a commit. */
export const rangesMax = 64

export function writeNote(...plans: readonly Plan[]): string {
  const note = plans.map(writePlan).join('\n')
  if (Buffer.byteLength(note) > maxNoteBytes)
    throw new PipelineError('internal', `note of ${plans.length} plans is longer than ${maxNoteBytes} bytes`)
  return note
}

function writePlan(plan: Plan): string {
  const ranges = plan.ranges.map(({ topic, partition, from, to }) => [topics.indexOf(topic), partition, from, to])
  return JSON.stringify({ v: 1, id: plan.id, ...(plan.isolate ? { isolate: true } : {}), ranges })
}

/** The plans of several notes, each once. Throws `newer_version` for one that this build cannot read: guessing could store events twice. */
export function readNotes(notes: readonly string[]): readonly Plan[] {
  const distinct = new Set(notes.flatMap((note) => note.split('\n')).filter((plan) => plan !== ''))
  return [...distinct].map(readPlan)
}

function readPlan(note: string): Plan {
  let json: unknown
  try {
    json = JSON.parse(note)
  } catch (cause) {
    throw new PipelineError('newer_version', `the plan noted in the log is no JSON (${note.length} characters)`, {
      cause,
    })
  }
  const parsed = noteSchema.safeParse(json)
  if (!parsed.success) {
    throw new PipelineError(
      'newer_version',
      `the plan noted in the log cannot be read by this version: run the one that wrote it (${z.prettifyError(parsed.error)})`,
    )
  }
  const ranges = parsed.data.ranges.map(([topic, partition, from, to]): Range => {
    const name = topics[topic]
    if (name === undefined) throw new PipelineError('newer_version', `the plan noted in the log names topic ${topic}`)
    return { topic: name, partition, from, to }
  })
  return { id: parsed.data.id, ranges, isolate: parsed.data.isolate === true }
}

/** What of a noted plan is still to be done by a member that owns `owned`; undefined when nothing is. */
export function remainder(plan: Plan, owned: readonly Position[]): Plan | undefined {
  const ranges: Range[] = []
  for (const range of plan.ranges) {
    const mine = owned.find((each) => each.topic === range.topic && each.partition === range.partition)
    if (mine && mine.offset < range.to) ranges.push({ ...range, from: Math.max(range.from, mine.offset) })
  }
  // The id stays the noted one: under it an insert may still be running.
  return ranges.length === 0 ? undefined : { ...plan, ranges }
}
