import { existsSync, linkSync, readdirSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../core/errors.ts'
import { makeDirectory } from '../core/make-directory.ts'
import { processMark } from './process-mark.ts'

interface Holder {
  readonly pid: number
  readonly mark: string
  /** RFC 3339; absent in pid files. */
  readonly since?: string
}

/** Roles that are played without a supervisor. */
export type LoneRole = 'collector' | 'worker' | 'api'

export interface Lock {
  release(): void
}

/**
 * One supervisor per data directory, and nobody beside it. The lock is a file that is linked into place (atomic) and names its
 * holder by pid and start time, so that a crashed holder's lock is seen to be stale even when its pid is used again.
 */
export function lockDataDirectory(dataDir: string): Lock {
  const lock = hold(dataDir, 'LOCK', (pid, since) => `${dataDir} is held by process ${pid} (${since})`)
  const [other] = lonePlayers(dataDir)
  if (other === undefined) return lock
  lock.release()
  throw conflict(`${dataDir} is used by \`millrace ${other.role}\`, process ${other.pid}`, other.pid)
}

/**
 * A role without a supervisor: beside others, but not beside a supervisor, and not beside one of its own kind where `isAlone`.
 * Whoever comes puts up a lock first and then looks for others, so of two that exclude each other never both go on.
 */
export function lockRole(dataDir: string, role: LoneRole, isAlone: boolean): Lock {
  const name = `LOCK.${role}${isAlone ? '' : `.${process.pid}`}`
  const lock = hold(dataDir, name, (pid, since) => `${dataDir} has a ${role} already, process ${pid} (${since})`)
  const supervisor = readHolder(join(dataDir, 'LOCK'))
  const twin = isAlone ? lonePlayers(dataDir).find((player) => player.role === role) : undefined
  const other = supervisor !== undefined && isRunning(supervisor) ? supervisor : twin
  if (other === undefined) return lock
  lock.release()
  throw conflict(
    other === supervisor
      ? `${dataDir} is held by \`millrace start\`, process ${other.pid}, which has all roles`
      : `${dataDir} has a ${role} already, process ${other.pid}`,
    other.pid,
  )
}

/** Other processes that play a role here without a supervisor. */
function lonePlayers(dataDir: string): readonly { readonly role: string; readonly pid: number }[] {
  return readdirSync(dataDir).flatMap((name) => {
    const role = /^LOCK\.(collector|worker|api)(\.\d+)?$/.exec(name)?.[1]
    if (role === undefined) return []
    const holder = readHolder(join(dataDir, name))
    if (holder !== undefined && isRunning(holder)) return holder.pid === process.pid ? [] : [{ role, pid: holder.pid }]
    if (name !== `LOCK.${role}`) rmSync(join(dataDir, name), { force: true }) // nobody comes back under a pid's name
    return []
  })
}

function hold(dataDir: string, name: string, held: (pid: number, since: string) => string): Lock {
  makeDirectory(join(dataDir, 'run'))
  const file = join(dataDir, name)
  const mine = `${file}.new-${process.pid}`
  const me: Holder = { pid: process.pid, mark: processMark(process.pid) ?? '', since: new Date().toISOString() }
  writeFileSync(mine, JSON.stringify(me))
  try {
    for (let attempt = 0; ; attempt++) {
      try {
        linkSync(mine, file)
        return { release: () => releaseIfMine(file, me) }
      } catch (error) {
        if (codeOf(error) !== 'EEXIST' || attempt >= 3) throw error
        assertStale(file, held)
        takeAwayStale(file, held)
      }
    }
  } finally {
    unlinkSync(mine)
  }
}

function assertStale(file: string, held: (pid: number, since: string) => string): void {
  const other = readHolder(file)
  if (other === undefined || !isRunning(other)) return
  throw conflict(held(other.pid, `since ${other.since ?? 'unknown'}`), other.pid)
}

function conflict(what: string, pid: number): PipelineError {
  return new PipelineError('conflict', `${what}; stop it, or start with another --data`, { details: { pid } })
}

/** Two starters may both have found the old lock stale: what is taken away is looked at again, for it may be the other's new one. */
function takeAwayStale(file: string, held: (pid: number, since: string) => string): void {
  const away = `${file}.stale.${process.pid}`
  try {
    renameSync(file, away)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return
    throw error
  }
  try {
    assertStale(away, held)
  } catch (error) {
    linkSync(away, file)
    throw error
  } finally {
    rmSync(away, { force: true })
  }
}

function releaseIfMine(file: string, me: Holder): void {
  const holder = readHolder(file)
  if (holder?.pid === me.pid && holder.mark === me.mark) rmSync(file, { force: true })
}

/** Undefined when it is not there or does not name a process (torn by a power cut): nobody holds it. */
function readHolder(file: string): Holder | undefined {
  try {
    const { pid, mark, since } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Holder>
    if (!Number.isSafeInteger(pid) || pid! <= 0 || typeof mark !== 'string' || mark === '') return undefined
    return { pid: pid!, mark, ...(typeof since === 'string' && { since }) }
  } catch {
    return undefined
  }
}

function isRunning({ pid, mark }: Holder): boolean {
  return processMark(pid) === mark
}

/** End what an earlier, killed parent left behind: its children notice within a second by themselves, this makes sure. `roles`: only these. */
export async function endLeftovers(dataDir: string, waitMs: number, roles?: readonly string[]): Promise<void> {
  const run = join(dataDir, 'run')
  if (!existsSync(run)) return
  const files = readdirSync(run).filter(
    (name) => name.endsWith('.pid') && (roles === undefined || roles.includes(name.slice(0, -'.pid'.length))),
  )
  const holders = files.map((name) => readHolder(join(run, name))).filter((holder) => holder !== undefined)
  const alive = () => holders.filter((holder) => holder.pid !== process.pid && isRunning(holder))
  await untilNone(alive, waitMs)
  for (const { pid } of alive()) kill(pid)
  await untilNone(alive, 2000)
  const [left] = alive()
  if (left !== undefined)
    throw new PipelineError(
      'conflict',
      `process ${left.pid} of an earlier run of ${dataDir} does not end; end it, then start again`,
      { details: { pid: left.pid } },
    )
  for (const name of files) rmSync(join(run, name), { force: true })
}

async function untilNone(alive: () => readonly Holder[], ms: number): Promise<void> {
  const deadline = Date.now() + ms
  while (alive().length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10))
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended just now, or it is not ours to end: what is still alive afterwards is reported.
  }
}

/** Notes that this process plays a role of the data directory: `run/<role>.pid`. */
export function writePid(dataDir: string, role: string, pid: number): void {
  writeFileSync(join(dataDir, 'run', `${role}.pid`), JSON.stringify({ pid, mark: processMark(pid) ?? '' }), {
    mode: 0o600,
  })
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}
