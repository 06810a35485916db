import { type Database, type RootDatabase, open } from 'lmdb'
import type { Metrics } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import { makeDirectory } from '../../core/make-directory.ts'
import { kvErrors, notRunning, storeFailed } from '../kv-errors.ts'

export type Bytes = Database<Buffer, Buffer>

/** One LMDB environment: a folder that any number of processes of this machine may have open. */
export interface Environment {
  open(): void
  close(): Promise<void>
  database(name: string): Bytes
  /** Reads see everything committed before the call, also by other processes. */
  read<T>(op: string, action: () => T): Promise<T>
  /** One transaction, alone over all processes; many calls of one moment share a commit. Resolves as `durable` says. */
  write<T>(op: string, action: () => T): Promise<T>
}

export interface EnvironmentOptions {
  readonly path: string
  /** What it is called in errors: `cache`, `state`. */
  readonly name: string
  /** True: a write resolves when it is synced. False: when it is visible to all; the sync follows. Neither can tear the store. */
  readonly durable: boolean
  readonly databases: readonly string[]
}

export function openEnvironment(options: EnvironmentOptions, metrics: Metrics): Environment {
  const errors = kvErrors(metrics)
  const databases = new Map<string, Bytes>()
  let root: RootDatabase<Buffer, Buffer> | undefined

  /** Every failure that is not already a judgement of ours is the store's: counted, and worth another try. */
  async function guarded<T>(op: string, action: (root: RootDatabase<Buffer, Buffer>) => T | Promise<T>): Promise<T> {
    if (root === undefined) throw notRunning(`the embedded ${options.name}`)
    try {
      return await action(root)
    } catch (error) {
      if (error instanceof PipelineError) throw error
      errors.inc({ op: `${options.name}_${op}` })
      throw storeFailed(`the embedded ${options.name}`, op, error)
    }
  }

  return {
    open() {
      makeDirectory(options.path)
      // `noSubdir: false`: else a path with a dot in it would be taken for a file.
      root = open<Buffer, Buffer>({
        path: options.path,
        noSubdir: false,
        encoding: 'binary',
        keyEncoding: 'binary',
        maxDbs: 8,
        overlappingSync: !options.durable,
      })
      for (const name of options.databases) {
        databases.set(name, root.openDB<Buffer, Buffer>({ name, encoding: 'binary', keyEncoding: 'binary' }))
      }
    },
    async close() {
      const closing = root
      root = undefined
      databases.clear()
      await closing?.close()
    },
    database(name) {
      const found = databases.get(name)
      if (found === undefined) throw notRunning(`the embedded ${options.name}`)
      return found
    },
    read(op, action) {
      return guarded(op, (root) => {
        // LMDB reads of one turn share a snapshot; without this a read could miss what another process just committed.
        root.resetReadTxn()
        return action()
      })
    },
    write(op, action) {
      return guarded(op, (root) => root.transaction(action))
    },
  }
}
