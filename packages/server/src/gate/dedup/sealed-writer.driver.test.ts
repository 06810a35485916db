import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

/*
 * The log is trimmed up to what a sealed file covers, so the file has to survive a power cut by then. Killing processes does
 * not show that, since the page cache survives them: the order of the system calls does.
 */
const missing = whyNot()

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'system calls are looked at on Linux only'
  if (spawnSync('strace', ['-V']).error !== undefined) return 'strace is not installed: apt-get install -y strace'
  return spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0 ? undefined : 'strace may not trace here'
}
if (missing !== undefined) process.stderr.write(`SKIPPED sync of sealed files: ${missing}\n`)

describe('a sealed file', () => {
  it.skipIf(missing !== undefined)(
    `is synced before it gets its name, and its name before it is counted on${missing === undefined ? '' : ` (${missing})`}`,
    () => {
      const dir = mkdtempSync(join(tmpdir(), 'millrace-strace-'))
      try {
        const script = join(dir, 'write.ts')
        writeFileSync(
          script,
          `import { writeSync } from 'node:fs'
           import { writeSealedFile } from ${JSON.stringify(join(import.meta.dirname, 'sealed-writer.ts'))}
           const facts = { first: 1, last: 1, fromMs: 0, toMs: 0, epoch: 7, from: {}, to: {}, keyCheck: 'k' }
           const ids = Int32Array.from({ length: 4000 }, (_, i) => i >>> 2)
           await writeSealedFile(${JSON.stringify(dir)}, facts, 1000, [ids], new AbortController().signal)
           writeSync(1, 'WRITTEN')`,
        )
        const trace = join(dir, 'trace')
        const calls = 'fsync,fdatasync,write,pwrite64,rename,renameat,renameat2'
        execFileSync('strace', ['-f', '-y', '-e', `trace=${calls}`, '-o', trace, process.execPath, script], {
          stdio: 'pipe',
        })
        const lines = readFileSync(trace, 'utf8').split('\n')
        const temporary = join(dir, '0000000001-0000000001.ids.tmp')
        const last = (what: RegExp, of: string) => lines.findLastIndex((line) => what.test(line) && line.includes(of))
        const data = last(/pwrite64\(/, `<${temporary}>`)
        const sync = last(/f(data)?sync\(/, `<${temporary}>`)
        const renamed = last(/rename(at2?)?\(/, `"${temporary}"`)
        const folder = last(/f(data)?sync\(/, `<${dir}>`)
        const told = last(/write\(/, '"WRITTEN"')
        expect(data).toBeGreaterThan(-1)
        expect([data, sync, renamed, folder, told]).toEqual(
          [data, sync, renamed, folder, told].toSorted((a, b) => a - b),
        )
        expect(new Set([data, sync, renamed, folder, told]).size).toBe(5)
      } finally {
        rmSync(dir, { recursive: true, force: true })
      }
    },
  )
})
