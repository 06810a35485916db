import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import { codeOf, never, readAll } from '../log.contract.ts'
import { createEmbeddedLog } from './create-embedded-log.ts'

const isRoot = process.platform === 'linux' && process.getuid?.() === 0
const canMount = isRoot && spawnSync('unshare', ['-m', 'true']).status === 0
const canTrace = process.platform === 'linux' && spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
if (!canMount)
  process.stderr.write(
    'SKIPPED full disk: mounting a small tmpfs needs root on Linux (docker run --cap-add SYS_ADMIN)\n',
  )
if (!canTrace)
  process.stderr.write('SKIPPED failing disk: strace is missing or may not trace: apt-get install -y strace\n')

const value = (size: number) => new Uint8Array(size).fill(1)

describe('the embedded log on a disk that fails', () => {
  it.skipIf(!canMount)(
    'refuses what no longer fits, keeps what it has, and takes more once there is room',
    async () => {
      const dir = mkdtempSync(join(tmpdir(), 'millrace-full-'))
      expect(spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir]).status).toBe(0)
      const log = createEmbeddedLog(
        { dir: join(dir, 'log'), partitions: 1 },
        { clock: systemClock, logger: silentLogger, metrics: new Registry() },
      )
      const append = (size: number) =>
        log.append(
          [
            { topic: 'events', partition: 0, value: value(size) },
            { topic: 'outcomes', partition: 0, value: value(10) },
          ],
          {},
          never,
        )
      try {
        await log.start(never)
        let stored = 0
        let code = 'resolved'
        while (code === 'resolved' && stored < 100) {
          code = await codeOf(append(200_000))
          if (code === 'resolved') stored++
        }
        expect(code).toBe('unavailable')
        expect(stored).toBeGreaterThan(5)
        expect(await codeOf(append(200_000))).toBe('unavailable')
        expect(await readAll(log, 'events', 0)).toHaveLength(stored)
        expect(await readAll(log, 'outcomes', 0)).toHaveLength(stored)
        // Trimming needs a page or two itself; what it frees is used again, though the file does not shrink.
        await log.trim({ topic: 'events', partition: 0, offset: 4 })
        // LMDB takes freed pages only when the last snapshots before it have ended: small appends come first, which need little.
        let more = 0
        for (let tries = 0; more < 4 && tries < 20; tries++)
          if ((await codeOf(append(more === 0 ? 10 : 100_000))) === 'resolved') more++
        expect(more).toBe(4)
        expect(await readAll(log, 'events', 0, 4)).toHaveLength(stored - 4 + more)
      } finally {
        await log.stop()
        spawnSync('umount', [dir])
        rmSync(dir, { recursive: true, force: true })
      }
    },
  )

  // strace lets one system call of the child fail. Which one is the data's sync is the same in every run of the same program.
  const script = `import { createEmbeddedLog } from ${JSON.stringify(join(import.meta.dirname, 'create-embedded-log.ts'))}
    const quiet = () => {}
    const fatal = []
    const deps = { fatal: (error) => fatal.push(error.code), clock: { now: () => 0, sleep() {} }, logger: { debug: quiet, info: quiet, warn: quiet, error: quiet }, metrics: { getSingleMetric: () => ({}) } }
    const signal = new AbortController().signal
    const log = createEmbeddedLog({ dir: process.argv[2], partitions: 1 }, deps)
    await log.start(signal)
    const said = []
    for (let i = 0; i < Number(process.argv[3]); i++)
      said.push(await log.append([{ topic: 'events', partition: 0, value: Buffer.alloc(9000, i) }], {}, signal).then(() => 'stored', (error) => error.code))
    const held = await log.read({ topic: 'events', partition: 0, offset: 0 }, { bytes: 1e9, waitMs: 0 }, signal).then((records) => records.length, () => -1)
    process.stdout.write(JSON.stringify({ said, held, fatal }))
    process.exit(0)`

  function runWith(inject: string): { said: string[]; held: number; fatal: string[] } | undefined {
    const dir = mkdtempSync(join(tmpdir(), 'millrace-eio-'))
    try {
      const program = join(dir, 'append.ts')
      writeFileSync(program, script)
      // Making the log is many commits; what is to fail is one of an append.
      spawnSync(process.execPath, [program, join(dir, 'log'), '0'])
      const { stdout } = spawnSync(
        'strace',
        [
          '-f',
          '-qq',
          '-o',
          '/dev/null',
          '-e',
          'trace=fdatasync,pwrite64',
          '-e',
          `inject=${inject}`,
          process.execPath,
          program,
          join(dir, 'log'),
          '5',
        ],
        // One thread writes: strace counts calls per thread.
        { env: { ...process.env, UV_THREADPOOL_SIZE: '1' }, timeout: 20_000, encoding: 'utf8' },
      )
      return stdout === '' ? undefined : (JSON.parse(stdout) as { said: string[]; held: number; fatal: string[] })
    } finally {
      rmSync(dir, { recursive: true, force: true })
    }
  }

  it.skipIf(!canTrace)('says that nothing is stored when the sync of the data fails, and goes on', () => {
    const result = runWith('fdatasync:error=EIO:when=3')
    expect(result?.said.toSorted()).toEqual(['stored', 'stored', 'stored', 'stored', 'unavailable'])
    expect(result?.held).toBe(4)
    expect(result?.fatal).toEqual([])
  })

  it.skipIf(!canTrace)(
    'says that the result is unknown when the meta page itself fails, takes nothing more, and asks for a new process',
    () => {
      const results = [1, 2, 3, 4, 5].map((when) => runWith(`pwrite64:error=EIO:when=${when}`))
      const unknown = results.filter((result) => result?.said.includes('unknown_result'))
      expect(unknown.length).toBeGreaterThan(0)
      for (const result of unknown) {
        expect(result?.fatal).toEqual(['unavailable'])
        const at = result?.said.indexOf('unknown_result') ?? -1
        expect(result?.said.slice(0, at).every((answer) => answer === 'stored')).toBe(true)
        expect(result?.said.slice(at + 1).every((answer) => answer === 'unavailable')).toBe(true)
      }
    },
  )
})
