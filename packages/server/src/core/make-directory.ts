import { mkdirSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { PipelineError } from './errors.ts'

/**
 * A directory of ours, and those above it. Throws `config` with what to do where none can be made. node's own `recursive` tries
 * for ever where a directory is there but takes no others (`/proc`).
 */
export function makeDirectory(path: string, name = 'the data directory (--data)'): void {
  const wanted = resolve(path)
  const missing: string[] = []
  for (let at = wanted; ; at = dirname(at)) {
    const code = makeOne(at)
    if (code === undefined) break
    if (code !== 'ENOENT' || dirname(at) === at || missing.length > maxDepth) throw refused(wanted, name, code)
    missing.push(at)
  }
  for (const at of missing.toReversed()) {
    const code = makeOne(at)
    if (code !== undefined) throw refused(wanted, name, code)
  }
}

const maxDepth = 200

/** Undefined when it is there now. */
function makeOne(path: string): string | undefined {
  try {
    mkdirSync(path, { mode: 0o700 })
    return undefined
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    // A directory that is there is good, also on a disk that takes no others.
    return isDirectory(path) ? undefined : code === 'EEXIST' ? 'ENOTDIR' : code
  }
}

function isDirectory(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

function refused(path: string, name: string, code: string): PipelineError {
  return new PipelineError(
    'config',
    `${name}: ${path} cannot be made (${code}); name a directory on a disk that this user may write to`,
    { details: { code } },
  )
}
