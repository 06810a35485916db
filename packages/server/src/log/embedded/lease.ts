import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import type { Member } from './group-state.ts'

/**
 * Signs of life of one log instance: the time of the file `members/<instance>`, in which stands when its process began. Outside LMDB, because renewing it must not cost a
 * sync. What depends on it is only *when* a member is taken for dead; that a dead one can do no harm is the generation's work.
 */
export interface Lease {
  renew(): void
  isAlive(member: Member): boolean
  end(): void
}

/** The same for all instances of this process. */
const ownMark = String(performance.timeOrigin)

export function openLease(dir: string, instance: string, leaseMs: number, clock: Clock): Lease {
  const folder = join(dir, 'members')
  const pathOf = (name: string) => join(folder, name)
  const renew = () => {
    const now = clock.now() / 1000
    try {
      utimesSync(pathOf(instance), now, now)
    } catch {
      // Not there yet, or tidied away by hand.
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeFileSync(pathOf(instance), ownMark, { mode: 0o600 })
      utimesSync(pathOf(instance), now, now)
    }
  }
  /** In a container that is started again processes get the pids of those before them: this process's own tells nothing of another life. */
  const isEarlierLife = ({ pid, instance: other }: Member) => {
    if (pid !== process.pid || other === instance) return false
    try {
      return readFileSync(pathOf(other), 'utf8') !== ownMark
    } catch {
      return true
    }
  }
  const end = (name: string) => rmSync(pathOf(name), { force: true })
  return {
    renew,
    isAlive(member) {
      // Of the same machine, as all who open one LMDB file are. A pid that another process got meanwhile: the time tells.
      const isRunning = hasProcess(member.pid) && !isEarlierLife(member)
      const renewedAt = statSync(pathOf(member.instance), { throwIfNoEntry: false })?.mtimeMs
      const isAlive = isRunning && renewedAt !== undefined && renewedAt + leaseMs > clock.now()
      if (!isRunning) end(member.instance)
      return isAlive
    },
    end: () => end(instance),
  }
}

function hasProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // EPERM: it is there, but somebody else's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
