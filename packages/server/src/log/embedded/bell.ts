import { closeSync, constants, type FSWatcher, openSync, watch, writeSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Tells waiting readers of every process that something was appended. Ringing writes one byte to the file `bell`, which the other
 * processes watch (inotify, kqueue): no cost while nothing happens, and awake within a millisecond. A bell is a hint and MAY be
 * missed: where files cannot be watched, or an event is lost, waiters look by themselves after `checkEveryMs`.
 */
export interface Bell {
  ring(): void
  /** Call before looking for data, or a ring between the look and the wait is missed. */
  watch(): void
  /** Resolves at the next ring, after a bounded while, or when the signal aborts. */
  wait(ms: number, signal: AbortSignal): Promise<void>
  close(): void
}

const byte = Buffer.from('.')

export function openBell(dir: string): Bell {
  const path = join(dir, 'bell')
  const file = openSync(path, constants.O_WRONLY | constants.O_CREAT, 0o600)
  const waiting = new Set<() => void>()
  let watcher: FSWatcher | undefined
  let checkEveryMs = 250
  let isClosed = false

  const wakeAll = () => {
    // A woken waiter takes itself off the set, and no other can come in between.
    waiting.forEach((wake) => wake())
  }
  const giveUpWatching = () => {
    watcher?.close()
    watcher = undefined
    checkEveryMs = 15
  }
  return {
    ring() {
      wakeAll()
      // At 0, not appended: the file stays one byte long.
      try {
        writeSync(file, byte, 0, 1, 0)
      } catch {
        // What was appended is stored all the same, and readers look by themselves.
      }
    },
    watch() {
      if (watcher !== undefined || isClosed || checkEveryMs === 15) return
      try {
        watcher = watch(path, { persistent: false }, wakeAll)
        watcher.on('error', giveUpWatching)
      } catch {
        // Out of inotify watches, or a file system without: looking often does it too.
        giveUpWatching()
      }
    },
    wait(ms, signal) {
      return new Promise((resolve) => {
        if (isClosed || signal.aborted) return resolve()
        const wake = () => {
          clearTimeout(timer)
          signal.removeEventListener('abort', wake)
          waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, Math.min(ms, checkEveryMs))
        signal.addEventListener('abort', wake, { once: true })
        waiting.add(wake)
      })
    },
    close() {
      if (isClosed) return
      isClosed = true
      watcher?.close()
      wakeAll()
      closeSync(file)
    },
  }
}
