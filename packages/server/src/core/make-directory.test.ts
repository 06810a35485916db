import { existsSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { makeDirectory } from './make-directory.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-make-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('makes a directory and those above it, for its owner alone, once and again', () => {
  const path = join(folder, 'a', 'b', 'c')
  for (let time = 0; time < 2; time++) makeDirectory(path)
  expect(statSync(path).mode & 0o777).toBe(0o700)
  symlinkSync(path, join(folder, 'link'))
  makeDirectory(join(folder, 'link', 'd'))
  expect(existsSync(join(path, 'd'))).toBe(true)
})

it('refuses a place where none can be, at once', () => {
  writeFileSync(join(folder, 'file'), '')
  for (const path of ['/proc/x', '/proc/x/y/z', join(folder, 'file'), join(folder, 'file', 'x'), '/dev/null/x'])
    expect(() => makeDirectory(path), path).toThrow(
      expect.objectContaining({ code: 'config', message: expect.stringMatching(/--data.* cannot be made \(E\w+\)/) }),
    )
})
