import { createHash } from 'node:crypto'
import { openSync, readFileSync, readSync, closeSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { CliError, exitCodes } from './exit.ts'

export const sumNames = ['stored', 'duplicate', 'dropped', 'quarantined'] as const
export type Sums = Record<'events' | (typeof sumNames)[number], number>

/** How far an import of a file has come; beside the file while it is under way. */
export interface ImportState {
  /** Of size and beginning: another file under the same name begins anew. */
  readonly fingerprint: string
  readonly dialect: string
  readonly batch: number
  /** Values of the file that are done: one may hold several events. */
  readonly units: number
  readonly sums: Sums
}

const stateFile = (file: string) => `${file}.import.json`

export function fingerprintOf(file: string): string {
  const head = Buffer.alloc(64 * 1024)
  let handle: number
  let size: number
  try {
    size = statSync(file).size
    handle = openSync(file, 'r')
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${(error as NodeJS.ErrnoException).code}`, exitCodes.usage)
  }
  try {
    const read = readSync(handle, head, 0, head.length, 0)
    return createHash('sha256').update(`${size}\n`).update(head.subarray(0, read)).digest('hex')
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${(error as NodeJS.ErrnoException).code}`, exitCodes.usage)
  } finally {
    closeSync(handle)
  }
}

/** Undefined when there is none that fits this file and these flags. */
export function readState(file: string, wanted: Omit<ImportState, 'units' | 'sums'>): ImportState | undefined {
  try {
    const state = JSON.parse(readFileSync(stateFile(file), 'utf8')) as ImportState
    const fits =
      state.fingerprint === wanted.fingerprint && state.dialect === wanted.dialect && state.batch === wanted.batch
    return fits ? state : undefined
  } catch {
    return undefined
  }
}

/** Replaced whole, so that a crash leaves the one before. */
export function writeState(file: string, state: ImportState): void {
  const fresh = `${stateFile(file)}.new`
  try {
    writeFileSync(fresh, JSON.stringify(state))
    renameSync(fresh, stateFile(file))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new CliError(
      `cannot keep the progress in ${stateFile(file)} (${code}); copy the file to where you may write`,
      exitCodes.failure,
    )
  }
}

export function removeState(file: string): void {
  rmSync(stateFile(file), { force: true })
}
