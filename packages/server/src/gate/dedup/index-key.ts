import { randomBytes } from 'node:crypto'
import { PipelineError } from '../../core/errors.ts'
import type { State } from '../../kv/state.ts'

const stateKey = 'dedup/key'
const keyBytes = 16

/**
 * The secret key of the fingerprints, made once. It is in State, not beside the files: the log keeps fingerprints too,
 * so it has to live as long as they do, also when somebody deletes the index to have it built again.
 */
export async function loadIndexKey(state: State): Promise<Uint8Array> {
  for (;;) {
    const stored = await state.get(stateKey)
    if (stored !== undefined) {
      if (stored.value.length === keyBytes) return stored.value
      throw new PipelineError(
        'corrupt',
        `the key of the dedup index has ${stored.value.length} bytes, expected ${keyBytes}`,
      )
    }
    // Somebody may be faster: then theirs is read in the next round.
    await state.putIfVersion(stateKey, randomBytes(keyBytes), 0)
  }
}
