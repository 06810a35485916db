import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

/*
 * That an acknowledged record survives a power cut cannot be seen by killing processes: the page cache survives them. Nor can
 * un-synced writes be made to disappear under LMDB, as one would for a store with a file system of its own: it writes in native
 * code, by pwrite and a memory map, with no seam to put a forgetful file in. What stands in for it: the order of the system calls. The
 * pages are written, then synced by fdatasync, then the meta page that makes them count is written through a descriptor that was
 * opened O_DSYNC, and only then does the process say a word.
 */
const missing = whyNot()

function whyNot(): string | undefined {
  if (process.platform !== 'linux') return 'system calls are looked at on Linux only'
  if (spawnSync('strace', ['-V']).error !== undefined) return 'strace is not installed: apt-get install -y strace'
  const attached = spawnSync('strace', ['-o', '/dev/null', 'true'])
  return attached.status === 0
    ? undefined
    : 'strace may not trace here (ptrace is forbidden): run the container with --cap-add SYS_PTRACE'
}
if (missing !== undefined) process.stderr.write(`SKIPPED sync before ack: ${missing}\n`)

describe('what the embedded log has synced when it acknowledges', () => {
  it.skipIf(missing !== undefined)(`is everything it wrote${missing === undefined ? '' : ` (${missing})`}`, () => {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-strace-'))
    try {
      const script = join(dir, 'append.ts')
      writeFileSync(
        script,
        `import { createEmbeddedLog } from ${JSON.stringify(join(import.meta.dirname, 'create-embedded-log.ts'))}
         import { writeSync } from 'node:fs'
         const deps = { clock: { now: Date.now, sleep() {} }, logger: console, metrics: { getSingleMetric: () => ({}) } }
         const log = createEmbeddedLog({ dir: ${JSON.stringify(join(dir, 'log'))}, partitions: 1 }, deps)
         const signal = new AbortController().signal
         await log.start(signal)
         for (let i = 0; i < 5; i++) {
           writeSync(1, 'BEGIN ' + i)
           await log.append([{ topic: 'events', partition: 0, value: Buffer.alloc(20000, i) }, { topic: 'outcomes', partition: 0, value: Buffer.alloc(10, i) }], {}, signal)
           writeSync(1, 'ACK ' + i)
         }
         await log.stop()`,
      )
      const trace = join(dir, 'trace')
      const calls = 'openat,close,fdatasync,fsync,msync,write,writev,pwrite64,pwritev,pwritev2'
      execFileSync(
        'strace',
        ['-f', '-y', '-e', `trace=${calls}`, '-e', 'signal=none', '-o', trace, process.execPath, script],
        { stdio: 'pipe' },
      )
      const lines = completedCalls(readFileSync(trace, 'utf8'))
      const durable = new Set(lines.flatMap((line) => /openat\(.*data\.mdb.*O_DSYNC.*\) = (\d+)/.exec(line)?.[1] ?? []))
      expect(durable.size).toBe(1)
      for (let i = 0; i < 5; i++) {
        const from = lines.findIndex((line) => line.includes(`"BEGIN ${i}"`))
        const to = lines.findIndex((line) => line.includes(`"ACK ${i}"`))
        expect(from).toBeGreaterThanOrEqual(0)
        expect(to).toBeGreaterThan(from)
        const between = lines.slice(from, to).filter((line) => line.includes('data.mdb'))
        const kinds = between.map((line) => kindOf(line, durable)).filter((kind) => kind !== 'other')
        // Pages, sync, meta page: in this order, and nothing of the log written after it.
        expect(kinds.join(' ')).toMatch(/^(pages )+sync meta$/)
      }
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  })
})

/** The trace's lines in the order in which the calls returned: one that other threads interrupted stands where it was resumed. */
function completedCalls(trace: string): string[] {
  const begun = new Map<string, string>()
  return trace.split('\n').flatMap((line) => {
    const thread = line.split(' ', 1)[0] ?? ''
    if (line.endsWith('<unfinished ...>')) {
      begun.set(thread, line.slice(0, -'<unfinished ...>'.length))
      return []
    }
    const rest = /<\.\.\. \w+ resumed>(.*)$/.exec(line)
    return rest === null ? [line] : [`${begun.get(thread) ?? ''}${rest[1]}`]
  })
}

function kindOf(line: string, durable: ReadonlySet<string>): 'pages' | 'sync' | 'meta' | 'unsynced meta' | 'other' {
  const [, call = '', file = ''] = /(\w+)\((\d+)</.exec(line) ?? []
  if (call === 'fdatasync' || call === 'fsync') return 'sync'
  if (!call.includes('write')) return 'other'
  if (durable.has(file)) return 'meta'
  // The first two pages say which pages count: written before the sync, readers would see what can still be lost.
  const offset = /, (\d+)\) = \d+$/.exec(line)?.[1]
  return call === 'pwrite64' && Number(offset) < 8192 ? 'unsynced meta' : 'pages'
}
