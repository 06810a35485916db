import type { Registry } from 'prom-client'
import type { Clock } from './clock.ts'
import type { PipelineError } from './errors.ts'

/** The three things that any part may ask for. pino's logger satisfies `Logger`. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Prometheus registry of this process; each part registers its own metrics (names: docs/guide/operating.md). */
export type Metrics = Registry

export interface Deps {
  readonly clock: Clock
  readonly logger: Logger
  readonly metrics: Metrics
  /**
   * Told by a part that can only go on in a new process, e.g. a store whose disk failed under it: the process ends soon and its
   * supervisor starts it again. MAY be called more than once.
   */
  readonly fatal?: (error: PipelineError) => void
}

/** For tests and tools that want silence. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} }
