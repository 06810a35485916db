import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { currentFormat, ensureFormat } from './format.ts'

let dataDir: string
beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'millrace-format-'))
})
afterEach(() => {
  rmSync(dataDir, { recursive: true })
})

describe('data/FORMAT', () => {
  it('is written into a new directory and accepted the next time', () => {
    expect(ensureFormat(dataDir)).toEqual(currentFormat)
    expect(readFileSync(join(dataDir, 'FORMAT'), 'utf8')).toBe('{"log":1,"kv":1,"store":1}\n')
    expect(ensureFormat(dataDir)).toEqual(currentFormat)
  })

  it('lets a newer release open older data and says what it was', () => {
    ensureFormat(dataDir)
    expect(ensureFormat(dataDir, { log: 2, kv: 1, store: 3 })).toEqual(currentFormat)
  })

  it.each(['log', 'kv', 'store'] as const)('refuses newer %s data in one sentence', (part) => {
    ensureFormat(dataDir, { ...currentFormat, [part]: 2 })
    expect(() => ensureFormat(dataDir)).toThrow(
      `${dataDir} was written by a newer release (${part} format 2, this release reads up to 1): start that release or a newer one`,
    )
  })

  it.each(['', '{', 'null', '{"log":1}', '{"log":0,"kv":1,"store":1}', '{"log":"1","kv":1,"store":1}', '[1,1,1]'])(
    'refuses the unreadable file %j',
    (text) => {
      writeFileSync(join(dataDir, 'FORMAT'), text)
      expect(() => ensureFormat(dataDir)).toThrow(/is not a format file/)
    },
  )
})
