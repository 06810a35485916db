import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { columns } from '../packages/protocol/src/index.ts'
import { dialectsPage, filledColumns } from '../scripts/dialect-columns.ts'

it('the table of columns and dialects is what the golden files have: run `node scripts/dialect-columns.ts`', () => {
  expect(readFileSync(join(import.meta.dirname, '../docs/guide/dialects.md'), 'utf8')).toBe(dialectsPage())
})

it('no decoder fills a column that there is not', () => {
  const known = new Set<string>(columns.map(({ name }) => name))
  expect([...filledColumns().keys()].filter((name) => !known.has(name))).toEqual([])
})
