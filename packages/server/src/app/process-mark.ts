import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** What tells one process from a later one with the same pid: its start time. Undefined when no such process runs. */
export function processMark(pid: number): string | undefined {
  try {
    if (process.platform === 'linux') {
      // Field 22 of /proc/<pid>/stat, counted after the command name, which may itself hold spaces and parentheses.
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
      return fields[0] === 'Z' ? undefined : fields[19]
    }
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() || undefined
  } catch {
    return undefined
  }
}
