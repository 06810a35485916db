import { expect, it } from 'vitest'
import { startCollector } from '../testing/collector.ts'
import { openGateUnderTest } from '../testing/gate-under-test.ts'

const ids = [
  '12345678901234567890123',
  '12345678901234567890124',
  '1.8446744073709551616e19',
  '1.8446744073709551617e19',
  '"a\\ud800"',
  '"a\\udfff"',
  '"a\ufffd"',
]

it.each([
  ['/v1/events', (id: string) => `{"id":${id},"event_type":"track","event_name":"paid","timestamp":${Date.now()}}`],
  [
    '/v1/track',
    (id: string) => `{"messageId":${id},"type":"track","event":"paid","userId":"u","timestamp":${Date.now()}}`,
  ],
])('%s: ids that may stand for several events are quarantined, each under an id of its own', async (path, eventOf) => {
  const { gate, accept, quarantined } = await openGateUnderTest()
  const { url, stop } = await startCollector({ accept })
  try {
    const found = new Set<string>()
    for (const id of ids) {
      const answer = await fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: eventOf(id),
      })
      const { receipts } = (await answer.json()) as { receipts: { id: string; outcome: string; issues: string[] }[] }
      expect(receipts, id).toMatchObject([
        { outcome: 'quarantined', issues: [expect.stringMatching(/^\/(id|messageId): /)] },
      ])
      found.add(receipts[0]!.id)
    }
    expect(found.size).toBe(ids.length)
    expect(new Set(quarantined().map(({ id }) => id))).toEqual(found)
  } finally {
    await stop()
    await gate.stop()
  }
})

it('takes numbers of 64 bits for ids, digit for digit', async () => {
  const { gate, accept, events } = await openGateUnderTest()
  const { url, stop } = await startCollector({ accept })
  const integers = ['9007199254740993', '18446744073709551615', '-9223372036854775808']
  const body = integers.map((id) => `{"id":${id},"event_type":"track","event_name":"paid"}`).join('\n')
  await fetch(`${url}/v1/events`, { method: 'POST', headers: { 'content-type': 'application/x-ndjson' }, body })
  expect(events().map(({ id }) => id)).toEqual(integers)
  await stop()
  await gate.stop()
})
