import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The package holds the whole application; its tracker is one file of it, and installing the rest would take minutes. */
const version = '2.10.0'

/**
 * Umami's own tracker script, unchanged, from the registry; undefined when the registry cannot be reached. Kept in the system's
 * temporary folder between runs.
 */
export function umamiTracker(): string | undefined {
  const folder = join(tmpdir(), `millrace-test-umami-${version}`)
  const script = join(folder, 'package/src/tracker/index.js')
  if (!existsSync(script)) {
    const fresh = `${folder}-${process.pid}`
    mkdirSync(fresh, { recursive: true })
    try {
      execFileSync('npm', ['pack', '--silent', `umami@${version}`], { cwd: fresh, stdio: 'ignore', timeout: 60_000 })
      execFileSync('tar', ['xzf', `umami-${version}.tgz`, 'package/src/tracker/index.js'], { cwd: fresh })
      renameSync(fresh, folder)
    } catch {
      rmSync(fresh, { recursive: true, force: true })
      if (!existsSync(script)) return undefined
    }
  }
  return readFileSync(script, 'utf8')
}
