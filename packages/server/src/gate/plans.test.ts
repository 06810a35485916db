import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { describe, expect, it } from 'vitest'

interface PlanFile {
  readonly name: string
  readonly version: number
  readonly events: Readonly<Record<string, { readonly category: string; readonly schema: object }>>
}

const folder = join(import.meta.dirname, '../../../protocol/plans')
const read = (file: string) => JSON.parse(readFileSync(join(folder, file), 'utf8')) as PlanFile

it.each(readdirSync(folder))('%s holds a valid JSON Schema for each event', (file) => {
  const { name, version, events } = read(file)
  expect(file).toBe(`${name}.plan.json`)
  expect(version).toBeGreaterThan(0)
  const ajv = new Ajv2020({ strict: true })
  for (const { schema, category } of Object.values(events)) {
    ajv.compile(schema)
    expect(category).not.toBe('')
  }
})

describe('creator-platform (X2-13..24)', () => {
  const { events } = read('creator-platform.plan.json')

  it('has the 79 events, by group', () => {
    const sizes: Record<string, number> = {}
    for (const { category } of Object.values(events)) sizes[category] = (sizes[category] ?? 0) + 1
    expect(sizes).toEqual({
      user: 6,
      asset: 9,
      project: 6,
      license: 7,
      royalty: 5,
      engagement: 8,
      creator: 4,
      brand: 4,
      system: 9,
      ownership: 3,
      post: 10,
      post_performance: 8,
    })
  })

  it.each([
    ['asset_viewed', { view_duration_ms: 0 }, {}],
    ['license_signed', { license_id: 'l' }, { license_id: '' }],
    ['payout_completed', { amount_cents: 0, payment_method: 'sepa' }, { amount_cents: 0 }],
    ['post_viewed', { post_id: 'p' }, { post: 'p' }],
    ['post_cta_clicked', { cta_type: 'link', cta_url: 'https://x' }, { cta_type: 'popup', cta_url: 'https://x' }],
    ['post_scroll_depth', { scroll_depth: 100 }, { scroll_depth: 101 }],
    ['user_signed_up', {}, 'no object'],
  ])('asks of %s what it needs', (name, good, bad) => {
    const validate = new Ajv2020().compile(events[name]!.schema)
    expect(validate(good)).toBe(true)
    expect(validate(bad)).toBe(false)
  })
})
