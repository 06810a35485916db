import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/deps.ts'
import { dialects } from '../decoders/registry.ts'
import { millrace } from './routes/millrace.ts'
import { createSequenceGaps } from './sequence-gaps.ts'
import type { Source } from './source.ts'
import { sources } from './sources.ts'
import { takeBatch } from './take-batch.ts'

/** Takes a body of so many events, and tells in which way it was decoded. */
async function take(count: number): Promise<{ way: string; ids: readonly (string | undefined)[] }> {
  const ways: string[] = []
  const source: Source = {
    ...millrace,
    decode: (body, cx) => {
      ways.push('at once')
      return millrace.decode(body, cx)
    },
    decodeInSteps: (body, cx) => {
      ways.push('in steps')
      return millrace.decodeInSteps!(body, cx)
    },
  }
  const events = Array.from({ length: count }, (_, index) => ({ event_name: 'x', id: `e-${index}` }))
  const metrics = new Registry()
  const { batch } = await takeBatch(
    source,
    {
      kind: 'batch',
      headers: { 'content-type': 'application/json' },
      readBody: () => Promise.resolve(Buffer.from(JSON.stringify(events))),
      signal: new AbortController().signal,
    },
    {
      accept: ({ events: accepted }) =>
        Promise.resolve(accepted.map((_, index) => ({ index, id: `e-${index}`, outcome: 'stored' }))),
      authenticate: () => ({ project: 'p', scope: 'write', keyId: '' }),
      gaps: createSequenceGaps(metrics),
      deps: { clock: systemClock, logger: silentLogger, metrics },
    },
  )
  return { way: ways.join(), ids: batch.events.map(({ columns }) => columns.id) }
}

it('decodes a small body at once, and one of thousands of events in steps, to the same events', async () => {
  for (const [count, way] of [
    [100, 'at once'],
    [10_000, 'in steps'],
  ] as const) {
    expect(await take(count)).toEqual({ way, ids: Array.from({ length: count }, (_, index) => `e-${index}`) })
  }
})

it('lets every source whose dialect has steps use them', () => {
  for (const { name, decode, decodeInSteps } of dialects) {
    for (const source of sources) {
      if (source.decode === decode) expect([name, source.decodeInSteps]).toEqual([name, decodeInSteps])
    }
  }
})
