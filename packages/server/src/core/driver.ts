import type { ZodType } from 'zod'
import type { Deps } from './deps.ts'

/** One implementation of a contract, chosen by name in the configuration. `create` does no I/O. */
export interface Driver<C, T> {
  readonly name: string
  readonly config: ZodType<C>
  create(config: C, deps: Deps): T
}
