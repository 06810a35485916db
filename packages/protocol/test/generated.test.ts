import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { generated } from '../scripts/generate.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))

it('regenerating changes nothing (S0-18 and S3-24: run `node packages/protocol/scripts/generate.ts`)', () => {
  const files = generated()
  expect(files.size).toBeGreaterThanOrEqual(11)
  for (const [path, content] of files) {
    expect(readFileSync(join(root, path), 'utf8') === content, `${path} is out of date`).toBe(true)
  }
})
