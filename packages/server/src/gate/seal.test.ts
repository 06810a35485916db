import { describe, expect, it } from 'vitest'
import { goodEvent, openGateUnderTest, rawBatch, testNow } from '../testing/gate-under-test.ts'
import { memoryState } from '../testing/memory-state.ts'
import { redact } from './redact.ts'
import { createSealer, destroyOldSeals, unseal } from './seal.ts'

const day = 86_400_000

describe('seal', () => {
  it('opens to what was sealed, of any form', async () => {
    const state = memoryState()
    const key = await createSealer(state).ready('shop', testNow)
    let deep: unknown = 1
    for (let i = 0; i < 20_000; i++) deep = [deep, { i }]
    const big = { text: 'x'.repeat(5000), exact: 2n ** 63n - 1n, none: null }
    for (const original of [{ a: 'b' }, [], 'text', big, Uint8Array.of(1, 2, 3)]) {
      const opened = await unseal(state, key.seal('id', original), 'id')
      if (original instanceof Uint8Array) expect(Buffer.from(opened as Uint8Array)).toEqual(Buffer.from(original))
      else expect(opened).toEqual(original)
    }
    let levels = 0
    for (let at = await unseal(state, key.seal('id', deep), 'id'); Array.isArray(at); at = at[0]) levels++
    expect(levels).toBe(20_000)
  })

  it('holds no text of the original, and opens for its own id and untouched only', async () => {
    const state = memoryState()
    const key = await createSealer(state).ready('shop', testNow)
    const sealed = key.seal('id', { mail: 'someone@example.com' })
    expect(Buffer.from(sealed.sealed).includes('someone')).toBe(false)
    await expect(unseal(state, sealed, 'other')).rejects.toMatchObject({ code: 'corrupt' })
    const touched = sealed.sealed.slice()
    touched[20] = (touched[20] as number) ^ 1
    await expect(unseal(state, { ...sealed, sealed: touched }, 'id')).rejects.toMatchObject({ code: 'corrupt' })
  })

  it('has one key per project and day, shared by processes, gone after 30 days', async () => {
    const state = memoryState()
    const here = await createSealer(state).ready('shop', testNow)
    const there = await createSealer(state).ready('shop', testNow)
    const sealed = here.seal('id', 'x')
    expect(there.seal('id', 'x').sealKey).toBe('seals/shop/2026-11-21')
    await createSealer(state).ready('other', testNow + day)
    expect((await state.list('seals/')).map(({ key }) => key)).toEqual([
      'seals/other/2026-11-22',
      'seals/shop/2026-11-21',
    ])
    expect(await destroyOldSeals(state, testNow + 30 * day)).toBe(0)
    expect(await unseal(state, sealed, 'id')).toBe('x')
    expect(await destroyOldSeals(state, testNow + 32 * day)).toBe(1)
    await expect(unseal(state, sealed, 'id')).rejects.toMatchObject({ code: 'not_found' })
  })

  it('keeps no original that no log would take', async () => {
    const state = memoryState()
    const key = await createSealer(state).ready('shop', testNow)
    const noise = Buffer.alloc(3_000_000)
    for (let i = 0; i < noise.length; i++) noise[i] = Math.floor(Math.random() * 256)
    const sealed = key.seal('id', noise)
    expect(sealed.sealed.length).toBe(0)
    await expect(unseal(state, sealed, 'id')).rejects.toThrow('too big')
  })
})

describe('redact', () => {
  it('shows the shape of an event and none of its text', () => {
    const event = {
      event: 'Ordered',
      revenue: 12,
      ok: true,
      no: null,
      list: ['a', 1],
      'a@b.c': 1,
      'id 1234567890': 2,
      n: 2n ** 70n,
    }
    expect(JSON.parse(redact(event))).toEqual({
      event: '<string 7>',
      revenue: 12,
      ok: true,
      no: null,
      list: ['<string 1>', 1],
      '<key 6 of 5>': 1,
      '<key 7 of 13>': 2,
      n: '<integer 22 digits>',
    })
  })

  it('is bounded whatever it is given', () => {
    let deep: unknown = 1
    for (let i = 0; i < 100_000; i++) deep = [deep]
    const wide = Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, 'x']))
    expect(redact({ deep, wide, list: Array.from({ length: 100_000 }, () => 'x') }).length).toBeLessThan(50_000)
  })

  it('takes a key __proto__ for a key', () => {
    expect(redact(JSON.parse('{"__proto__":{"a":"b"}}'))).toBe('{"__proto__":{"a":"<string 1>"}}')
  })
})

describe('quarantine', () => {
  it('keeps what is rejected, sealed, with its issues, while its neighbours go on', async () => {
    const test = await openGateUnderTest()
    const receipts = await test.accept(
      rawBatch([goodEvent('a'), { ...goodEvent('b'), duration_ms: 'top secret' as unknown as number }, goodEvent('c')]),
    )
    expect(receipts.map(({ outcome }) => outcome)).toEqual(['stored', 'quarantined', 'stored'])
    expect(receipts[1]).toMatchObject({
      id: 'b',
      reason: 'schema',
      issues: ['/duration_ms: must be a number, not a string'],
    })
    const [kept] = test.quarantined()
    expect(kept).toMatchObject({
      id: 'b',
      project: 'shop',
      source: 'millrace',
      index: 1,
      reason: 'schema',
      eventType: 'track',
    })
    const { sealed: _, ...plain } = kept as NonNullable<typeof kept>
    expect(JSON.stringify(plain)).not.toContain('secret')
    expect(await unseal(test.state, kept as NonNullable<typeof kept>, 'b')).toMatchObject({ duration_ms: 'top secret' })
    // A quarantined event occupies no id: mended, it is stored.
    expect((await test.accept(rawBatch([goodEvent('b')])))[0]?.outcome).toBe('stored')
    await test.gate.stop()
  })
})
