import { mkdir, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import type { FoundFile } from './recovery.ts'
import { type SealedFile, openSealedFile } from './sealed-file.ts'
import { parseFileName } from './sealed-format.ts'
import { syncFolder } from './sealed-writer.ts'

export interface FolderFile extends FoundFile {
  readonly path: string
  /** Open; missing when the file cannot be trusted. */
  readonly file?: SealedFile
}

/**
 * Opens the sealed files of a folder, oldest first, and ends what a crash left half done: a `.tmp` was never committed;
 * a file whose generations are all in another good one was merged into it, or is a broken merge of those.
 */
export async function openFolder(dir: string, logger: Logger): Promise<readonly FolderFile[]> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const found: FolderFile[] = []
  for (const name of await readdir(dir)) {
    const path = join(dir, name)
    if (name.endsWith('.ids.tmp')) {
      await unlink(path)
      continue
    }
    const range = parseFileName(name)
    if (range !== undefined) found.push(await openFound(path, range))
  }
  const kept: FolderFile[] = []
  for (const candidate of found) {
    const others = found.filter((other) => other !== candidate && other.file !== undefined)
    if (
      !isCovered(candidate, candidate.file === undefined ? others : others.filter((other) => isWider(other, candidate)))
    ) {
      kept.push(candidate)
      continue
    }
    if (candidate.problem !== undefined) {
      logger.warn({ path: candidate.path, problem: candidate.problem }, 'a broken merge of dedup files is done again')
    }
    await candidate.file?.close()
    await unlink(candidate.path)
  }
  await syncFolder(dir)
  return kept.sort((a, b) => a.first - b.first)
}

async function openFound(path: string, range: { first: number; last: number }): Promise<FolderFile> {
  try {
    const file = await openSealedFile(path)
    return { path, ...range, file, header: file.header }
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error
    return { path, ...range, problem: error.message }
  }
}

const isWider = (a: FoundFile, b: FoundFile): boolean =>
  a.first <= b.first && b.last <= a.last && a.last - a.first > b.last - b.first

/** Are all generations of `file` in these others? */
function isCovered(file: FoundFile, others: readonly FoundFile[]): boolean {
  let next = file.first
  for (const other of others.toSorted((a, b) => a.first - b.first)) {
    if (other.first <= next && other.last >= next) next = other.last + 1
  }
  return next > file.last
}
