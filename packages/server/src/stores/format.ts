import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { PipelineError } from '../core/errors.ts'
import { makeDirectory } from '../core/make-directory.ts'

/**
 * `data/FORMAT`: which release's layout each part of a data directory has.
 *
 *   {"log":1,"kv":1,"store":1}
 *
 * A number rises when an older release could no longer read what a newer one writes. Migrations go forward only: a part with
 * an older number is brought up by its owner, a part with a newer one is refused before anything is opened.
 */
export interface DataFormat {
  readonly log: number
  readonly kv: number
  readonly store: number
}

export const currentFormat: DataFormat = { log: 1, kv: 1, store: 1 }

/** Checks the directory's format, or writes it into a new one. Throws `newer_version`, or `corrupt` when it cannot be read. */
export function ensureFormat(dataDir: string, current: DataFormat = currentFormat): DataFormat {
  const file = join(dataDir, 'FORMAT')
  const found = readFormat(file)
  if (found === undefined) {
    makeDirectory(dataDir)
    writeFormat(file, current)
    return current
  }
  for (const part of ['log', 'kv', 'store'] as const)
    if (found[part] > current[part])
      throw new PipelineError(
        'newer_version',
        `${dataDir} was written by a newer release (${part} format ${found[part]}, this release reads up to ${current[part]}): start that release or a newer one`,
        { details: { part, found: found[part], known: current[part] } },
      )
  return found
}

/** After a part has been brought up to the current format. */
function writeFormat(file: string, format: DataFormat): void {
  const next = `${file}.${process.pid}`
  const fd = openSync(next, 'w', 0o600)
  try {
    writeSync(fd, `${JSON.stringify(format)}\n`)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(next, file)
}

function readFormat(file: string): DataFormat | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const value = JSON.parse(text) as DataFormat
    if ([value.log, value.kv, value.store].every((part) => Number.isInteger(part) && part > 0)) return value
  } catch {
    // said below
  }
  throw new PipelineError(
    'corrupt',
    `${file} is not a format file: expected {"log":1,"kv":1,"store":1}, found ${text.length} bytes of something else`,
  )
}
