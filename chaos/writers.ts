import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { pause } from '../test/support/instance.ts'
import { seeded } from './options.ts'

/** The ledger outside of the processes under test: what was sent, and what was acknowledged. */
export interface Witness {
  /** Events of good batches, by id, as sent; true once acknowledged as stored or duplicate. */
  readonly sent: Map<string, boolean>
  /** Ids of events that must be quarantined, once acknowledged as such. */
  readonly quarantined: Set<string>
  acks: number
  retries: number
  /** Retries at another collector than the one that had not answered. */
  elsewhere: number
  /** Events that a repeat of an acknowledged batch was told to be stored anew. */
  anew: number
  /** Batches sent again although they were acknowledged. */
  repeats: number
  /** Some of them, to be sent again at the end. */
  readonly repeated: { readonly request: Request; readonly ids: readonly string[]; readonly bad: string | undefined }[]
  /** Milliseconds that the slowest batch took until it was acknowledged. */
  slowestMs: number
  /** Why attempts were in vain, with numbers left out. */
  readonly refusals: Map<string, number>
  /** Answers that a client must never see, e.g. an event reported as lost. */
  readonly wrong: string[]
}

export function createWitness(): Witness {
  return {
    sent: new Map(),
    quarantined: new Set(),
    acks: 0,
    retries: 0,
    elsewhere: 0,
    anew: 0,
    repeats: 0,
    repeated: [],
    slowestMs: 0,
    refusals: new Map(),
    wrong: [],
  }
}

/** What an event carries, from its id alone: the reconciliation recomputes it. */
export function payloadOf(id: string): { text: string; value: number } {
  const digest = createHash('sha256').update(id).digest()
  return { text: digest.toString('base64'), value: digest.readUInt32BE(0) }
}

/**
 * One sender that never gives up: makes a batch, sends it until it is acknowledged, now and then sends it once more.
 * Alternates between Millrace JSON and Segment, plain and gzip, single events and batches. Each attempt may go to another collector,
 * also while the one before still works on it: some attempts are given little time.
 */
export async function write(
  writer: number,
  seed: number,
  collectors: readonly string[],
  witness: Witness,
  stop: AbortSignal,
  { pauseMs = 20, impatience = 0 }: { readonly pauseMs?: number; readonly impatience?: number } = {},
): Promise<void> {
  const random = seeded(seed * 1000 + writer)
  const some = <T>(list: readonly T[]) => list[Math.floor(random() * list.length)] as T
  const attempts = function* (): Generator<Attempt> {
    for (let last = ''; ; ) {
      const collector = some(collectors)
      if (last !== '' && collector !== last) witness.elsewhere++
      last = collector
      yield { collector, patienceMs: random() < impatience ? Math.round(20 + random() * 2000) : 10_000 }
    }
  }
  for (let batch = 0; !stop.aborted; batch++) {
    const size = random() < 0.3 ? 1 : 1 + Math.floor(random() * 120)
    const ids = Array.from({ length: size }, (_, at) => `w${writer}-${seed}-${batch}-${at}`)
    const bad = random() < 0.05 ? `bad-${writer}-${seed}-${batch}` : undefined
    const request = random() < 0.5 ? millraceBody(ids, bad) : segmentBody(ids, bad)
    for (const id of ids) witness.sent.set(id, false)
    if (!(await deliver(attempts(), request, random() < 0.5, ids, bad, witness, stop))) return
    if (random() < 0.1) {
      witness.repeats++
      if (random() < 0.2 && witness.repeated.length < keptRepeats) witness.repeated.push({ request, ids, bad })
      if (!(await deliver(attempts(), request, false, ids, bad, witness, stop, true))) return
    }
    if (random() < 0.2) await pause(random() * pauseMs)
  }
}

/** Sends acknowledged batches once more, to this collector alone. */
export async function repeat(collector: string, witness: Witness): Promise<void> {
  const attempts = function* (): Generator<Attempt> {
    for (;;) yield { collector, patienceMs: 10_000 }
  }
  const stop = AbortSignal.timeout(60_000)
  for (const { request, ids, bad } of witness.repeated)
    if (!(await deliver(attempts(), request, false, ids, bad, witness, stop, true)))
      witness.wrong.push(`${collector} does not take a batch that was acknowledged before`)
}

interface Attempt {
  readonly collector: string
  readonly patienceMs: number
}

const keptRepeats = 200

export interface Request {
  readonly path: string
  readonly body: string
}

function millraceBody(ids: readonly string[], bad: string | undefined): Request {
  const events = ids.map((id) => ({
    id,
    event_type: 'track',
    event_name: 'chaos',
    actor_id: id.split('-')[0],
    properties: payloadOf(id),
  }))
  return {
    path: '/v1/events',
    body: JSON.stringify({
      events:
        bad === undefined
          ? events
          : [...events, { id: bad, event_type: 'track', event_name: 'chaos', timestamp: 'yesterday' }],
    }),
  }
}

function segmentBody(ids: readonly string[], bad: string | undefined): Request {
  const batch = ids.map((id) => ({
    messageId: id,
    type: 'track',
    event: 'chaos',
    userId: id.split('-')[0],
    properties: payloadOf(id),
  }))
  return {
    path: '/v1/batch',
    body: JSON.stringify({
      batch:
        bad === undefined
          ? batch
          : [...batch, { messageId: bad, type: 'track', event: 'chaos', userId: 'u', timestamp: 'yesterday' }],
    }),
  }
}

interface Answer {
  readonly stored: number
  readonly duplicate: number
  readonly quarantined: number
  readonly receipts: readonly { id: string; outcome: string }[]
}

/** False when stopped before an acknowledgement came. */
async function deliver(
  attempts: Iterator<Attempt>,
  { path, body }: Request,
  gzip: boolean,
  ids: readonly string[],
  bad: string | undefined,
  witness: Witness,
  stop: AbortSignal,
  isRepeat = false,
): Promise<boolean> {
  const startedAt = Date.now()
  const refused = (why: string) => {
    const kind = why.replace(/\d+/g, 'N').slice(0, 160)
    witness.refusals.set(kind, (witness.refusals.get(kind) ?? 0) + 1)
  }
  for (let attempt = 0; ; attempt++) {
    const { collector, patienceMs } = attempts.next().value as Attempt
    try {
      const response = await fetch(collector + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...(gzip && { 'content-encoding': 'gzip' }) },
        body: gzip ? gzipSync(body) : body,
        signal: AbortSignal.timeout(patienceMs),
      })
      const text = await response.text()
      if (response.status === 200) {
        const answer = JSON.parse(text) as Answer
        if (answer.stored + answer.duplicate !== ids.length || answer.quarantined !== (bad === undefined ? 0 : 1))
          witness.wrong.push(text.slice(0, 300))
        if (isRepeat) witness.anew += answer.stored
        for (const id of ids) witness.sent.set(id, true)
        if (bad !== undefined) witness.quarantined.add(bad)
        witness.acks++
        witness.slowestMs = Math.max(witness.slowestMs, Date.now() - startedAt)
        return true
      }
      refused(detailOf(text))
      if (response.status !== 503) witness.wrong.push(`${response.status} ${text.slice(0, 300)}`)
    } catch (error) {
      // Refused, reset or timed out: whether it was stored is unknown, which is what the next attempt is for.
      refused(String((error as Error).cause ?? error))
    }
    witness.retries++
    // Once stopped, a batch whose fate is unknown is left so: it counts as sent, not as acknowledged.
    if (stop.aborted) return false
    await pause(20 + Math.min(attempt, 20) * 10)
  }
}

function detailOf(problem: string): string {
  try {
    const { detail, receipts } = JSON.parse(problem) as { detail?: string; receipts?: unknown[] }
    return `${detail ?? problem}${receipts === undefined ? '' : ' (with receipts)'}`
  } catch {
    return problem
  }
}
