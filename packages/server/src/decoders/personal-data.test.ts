import { expect, it } from 'vitest'
import { personalData } from './personal-data.ts'

it.each([
  { email: 1 },
  { Email: 'x' },
  { IP: 'x' },
  { e_mail: 'x' },
  { userEmail: 'x' },
  { 'Client-IP-Address': null },
  { filters: { user: { email: 'x' } } },
  { items: [{ canonical_id: 'a' }, { email: 'x' }] },
  { context: { a: { b: [{ 'User Agent': 'x' }] } } },
  { message: 'ada.lovelace@example.com has no rights' },
  { resolution: ['mailto:a@b.co'] },
])('%j holds personal data', (event) => {
  const issues = personalData(event)
  expect(issues).toHaveLength(1)
  expect(issues[0]).toMatch(/^\/[^:]+: /)
  expect(issues[0]).not.toContain('lovelace')
})

it.each([
  { clip: 'x', ship: 1, region: 'eu' },
  { message: 'user @ 3' },
  { query_count: 3, queryable: true },
  { item: 'a@b' },
])('%j holds none', (event) => expect(personalData(event)).toEqual([]))

it('ends, however deep or long an event is', () => {
  const deep = JSON.parse('{"a":'.repeat(900) + '1' + '}'.repeat(900)) as Record<string, unknown>
  expect(personalData(deep)).toEqual([])
  expect(personalData({ list: Array.from({ length: 1000 }, () => ({ email: 1 })) })).toHaveLength(20)
})
