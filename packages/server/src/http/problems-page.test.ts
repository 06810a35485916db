import { join } from 'node:path'
import { expect, it } from 'vitest'
import { problemsPage } from './problems-page.ts'

it('docs/guide/problems.md is what the table of problems says', async () => {
  await expect(problemsPage()).toMatchFileSnapshot(
    join(import.meta.dirname, '../../../../docs/guide/problems.md'),
    'out of date: npx vitest run --project unit packages/server/src/http/problems-page.test.ts -u',
  )
})
