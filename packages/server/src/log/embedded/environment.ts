import { closeSync, fsyncSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { PipelineError } from '../../core/errors.ts'

const treeNames = ['records', 'fingerprints', 'heads', 'floors', 'marks', 'groups', 'positions', 'meta'] as const
export type TreeName = (typeof treeNames)[number]
const versioned: ReadonlySet<TreeName> = new Set<TreeName>(['heads', 'floors', 'groups', 'meta'])

/** Holds when the key's version is `version`, or, with null, when the key is absent (then it MUST be the only condition). */
export interface Condition {
  readonly tree: TreeName
  readonly key: Buffer
  readonly version: number | null
}

/** Put `value`, or remove the key when there is none. `version` for the versioned trees only. */
export interface Write {
  readonly tree: TreeName
  readonly key: Buffer
  readonly value?: Uint8Array
  readonly version?: number
}

export interface Entry {
  readonly value: Buffer
  readonly version: number
}

/** The one way to the disk: a snapshot to read from and one conditional transaction to write with. */
export interface Environment {
  /** Everything committed before this call, by any process, is visible to the reads of this turn of the event loop. */
  refresh(): void
  entry(tree: TreeName, key: Buffer): Entry | undefined
  /** Valid only until the next call of anything here: copy it. */
  peek(tree: TreeName, key: Buffer): Buffer | undefined
  range(tree: TreeName, range: Range): readonly { readonly key: Buffer; readonly value: Buffer }[]
  /**
   * All writes, if all conditions hold, synced before it resolves true; else none, false. Alone over all processes.
   * Throws `unavailable` when nothing was written, `unknown_result` when that cannot be known.
   */
  transact(conditions: readonly Condition[], writes: readonly Write[]): Promise<boolean>
  fileBytes(): number
  close(): Promise<void>
}

export interface Range {
  readonly start: Buffer
  readonly end: Buffer
  readonly limit?: number
  readonly reverse?: boolean
}

export interface EnvironmentOptions {
  readonly dir: string
  /** Address space set apart for the file: all processes name the same, so that none must map it anew when it grows. */
  readonly mapBytes: number
  /** Told once when LMDB has given the environment up: only another process can open it again. */
  readonly onFailed?: ((error: PipelineError) => void) | undefined
}

export function openEnvironment({ dir, mapBytes, onFailed }: EnvironmentOptions): Environment {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const file = join(dir, 'data.mdb')
  const isNew = !exists(file)
  const root: RootDatabase<Buffer, Buffer> = open<Buffer, Buffer>({
    path: dir,
    // Else a directory with a dot in its name would be taken for a file.
    noSubdir: false,
    encoding: 'binary',
    keyEncoding: 'binary',
    maxDbs: treeNames.length + 4,
    mapSize: mapBytes,
    // LMDB as it was meant: data synced, then the meta page (written O_DSYNC), and only then visible to any reader. With
    // overlapping syncs readers of other processes would see, and load, what a power cut can still take back.
    overlappingSync: false,
    // A transaction starts at once instead of at the end of the turn; ours are explicit batches anyway.
    eventTurnBatching: false,
  })
  const trees = Object.fromEntries(
    treeNames.map((name) => [
      name,
      root.openDB<Buffer, Buffer>({
        name,
        encoding: 'binary',
        keyEncoding: 'binary',
        useVersions: versioned.has(name),
      }),
    ]),
  ) as Record<TreeName, Database<Buffer, Buffer>>
  if (isNew) {
    // LMDB syncs the file but not the names that lead to it.
    syncDirectory(dir)
    syncDirectory(dirname(dir))
  }
  /** Set when LMDB has given the environment up: reads fail from then on, and a write would hang in it. */
  let failed: PipelineError | undefined

  let isClosed = false

  /** A read that begins while LMDB is closing would hold a snapshot of nothing. */
  function mustBeOpen(): void {
    if (isClosed) throw new PipelineError('unavailable', 'the log has stopped')
    if (failed !== undefined) throw failed
  }

  /** After a failed commit: whether LMDB still takes transactions. It does unless writing the meta page itself failed. */
  function isUsable(): boolean {
    try {
      root.transactionSync(() => undefined)
      return true
    } catch {
      return false
    }
  }

  async function judge(error: unknown): Promise<PipelineError> {
    const cause = await commitError(error)
    const because = cause instanceof Error ? cause.message : String(cause)
    if (isUsable()) {
      // LMDB names a short write, which is what a full disk gives, "Input/output error".
      return new PipelineError(
        'unavailable',
        `the log could not write to ${dir} (${because}); nothing is stored: check the disk's free space`,
        {
          cause,
          retryAfterSeconds: 5,
        },
      )
    }
    failed = new PipelineError(
      'unavailable',
      `the disk failed under the log in ${dir} (${because}): check it, then restart`,
      { cause, retryAfterSeconds: 30 },
    )
    onFailed?.(failed)
    return new PipelineError(
      'unknown_result',
      `the disk failed under the log in ${dir} (${because}): the write may or may not be there`,
      { cause },
    )
  }

  return {
    refresh() {
      mustBeOpen()
      root.resetReadTxn()
    },
    entry(tree, key) {
      mustBeOpen()
      const found = trees[tree].getEntry(key)
      return found === undefined ? undefined : { value: found.value, version: found.version ?? 0 }
    },
    peek: (tree, key) => trees[tree].getBinaryFast(key),
    range: (tree, range) => [...trees[tree].getRange({ ...range })],
    async transact(conditions, writes) {
      mustBeOpen()
      const results: Promise<boolean>[] = []
      // Everything is prepared before the first call: an exception in here would commit the half that was queued.
      const nest = (i: number): void => {
        const condition = conditions[i]
        if (condition === undefined) {
          for (const { tree, key, value, version } of writes) {
            // Unconditional writes of a batch have no result of their own.
            if (value === undefined) void trees[tree].remove(key)
            else if (version === undefined) void trees[tree].put(key, value as Buffer)
            else void trees[tree].put(key, value as Buffer, version)
          }
        } else if (condition.version === null) {
          results.push(trees[condition.tree].ifNoExists(condition.key, () => nest(i + 1)))
        } else {
          results.push(trees[condition.tree].ifVersion(condition.key, condition.version, () => nest(i + 1)))
        }
      }
      nest(0)
      const settled = await Promise.allSettled(results)
      for (const result of settled) if (result.status === 'rejected') throw await judge(result.reason)
      return settled.every((result) => result.status === 'fulfilled' && result.value)
    },
    fileBytes: () => statSync(file).size,
    async close() {
      isClosed = true
      // A failed environment ends with the process: LMDB aborts when it is to be closed.
      if (failed === undefined) await root.close()
    },
  }
}

/** What went wrong: lmdb-js hangs it on the rejection as another promise, which rejects, and which nobody else handles. */
async function commitError(error: unknown): Promise<unknown> {
  const promise = (error as { commitError?: Promise<unknown> }).commitError
  if (promise === undefined) return error
  return promise.then(
    () => error,
    (cause: unknown) => cause,
  )
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined
}

function syncDirectory(path: string): void {
  const handle = openSync(path, 'r')
  try {
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}
