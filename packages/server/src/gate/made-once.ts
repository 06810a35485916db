import { randomBytes } from 'node:crypto'
import { PipelineError } from '../core/errors.ts'
import type { State } from '../kv/state.ts'

/** Bytes under a State key that are made once, by whoever asks first, and are then the same for every process. */
export interface MadeOnce {
  get(key: string): Promise<Uint8Array>
}

/** Keys in memory at once; a project has one of a kind, and one a day of the other. */
const maxKnown = 10_000

export function createMadeOnce(state: State, bytes: number): MadeOnce {
  const known = new Map<string, Uint8Array>()

  async function get(key: string): Promise<Uint8Array> {
    const found = known.get(key)
    if (found !== undefined) return found
    const stored = await readOrMake(key)
    if (stored === undefined || stored.length !== bytes)
      throw new PipelineError('corrupt', `state key ${key} holds ${stored?.length ?? 0} bytes, expected ${bytes}`)
    if (known.size >= maxKnown) known.clear()
    known.set(key, stored)
    return stored
  }

  async function readOrMake(key: string): Promise<Uint8Array | undefined> {
    try {
      const stored = (await state.get(key))?.value
      if (stored !== undefined) return stored
      const made = new Uint8Array(randomBytes(bytes))
      // Another process may be faster: then its bytes are the ones.
      return (await state.putIfVersion(key, made, 0)) ? made : (await state.get(key))?.value
    } catch (cause) {
      throw new PipelineError('unavailable', `cannot read or make the key ${key} in state`, {
        retryAfterSeconds: 2,
        cause,
      })
    }
  }

  return { get }
}
