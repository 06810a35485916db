import { existsSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../core/errors.ts'
import { processMark } from './process-mark.ts'

interface Holder {
  readonly pid: number
  readonly mark: string
  readonly since: string
}

/**
 * One supervisor per data directory. The lock is a file that is linked into place (atomic) and names its holder by pid and
 * start time, so that a crashed holder's lock is seen to be stale even when its pid is used again.
 */
export function lockDataDirectory(dataDir: string): { release(): void } {
  mkdirSync(join(dataDir, 'run'), { recursive: true, mode: 0o700 })
  const file = join(dataDir, 'LOCK')
  const mine = `${file}.${process.pid}`
  const holder: Holder = { pid: process.pid, mark: processMark(process.pid) ?? '', since: new Date().toISOString() }
  writeFileSync(mine, JSON.stringify(holder))
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        linkSync(mine, file)
        return { release: () => rmSync(file, { force: true }) }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt >= 3) throw error
        const other = readHolder(file)
        if (other !== undefined && processMark(other.pid) === other.mark)
          throw new PipelineError(
            'conflict',
            `${dataDir} is held by process ${other.pid} (since ${other.since}); stop it, or start with another --data`,
            { details: { pid: other.pid } },
          )
        rmSync(file, { force: true })
      }
    }
  } finally {
    unlinkSync(mine)
  }
}

function readHolder(file: string): Holder | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Holder
  } catch {
    return undefined // torn by a crash while writing: nobody holds it
  }
}

/** End what an earlier, killed supervisor left behind: its children notice within a second by themselves, this makes sure. */
export async function endLeftovers(dataDir: string, waitMs: number): Promise<void> {
  const run = join(dataDir, 'run')
  if (!existsSync(run)) return
  const files = readdirSync(run).filter((name) => name.endsWith('.pid'))
  const alive = () =>
    files
      .map((name) => readHolder(join(run, name)))
      .filter((one): one is Holder => one !== undefined && processMark(one.pid) === one.mark && one.pid !== process.pid)
  const deadline = Date.now() + waitMs
  while (alive().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
  for (const { pid } of alive()) process.kill(pid, 'SIGKILL')
  while (alive().length > 0 && Date.now() < deadline + 2000) await new Promise((resolve) => setTimeout(resolve, 10))
  for (const name of files) rmSync(join(run, name), { force: true })
}

export function writePid(dataDir: string, role: string, pid: number): void {
  writeFileSync(join(dataDir, 'run', `${role}.pid`), JSON.stringify({ pid, mark: processMark(pid) ?? '' }), {
    mode: 0o600,
  })
}
