import { doAction } from './do-action.ts'
import { doEvent } from './do-event.ts'
import { cdc } from './cdc.ts'
import { createTransformerRegistry, type TransformerRegistry } from './registry.ts'
import type { Transformer } from './transformer.ts'

/** Every transformer of this release, one line each. */
const builtIn: readonly Transformer[] = [cdc, doEvent, doAction]

/** A registry of its own with all of them; what is registered there changes nothing elsewhere. */
export function createTransformers(): TransformerRegistry {
  return createTransformerRegistry(builtIn)
}
