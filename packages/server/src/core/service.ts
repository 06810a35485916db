/**
 * Life-cycle of every long-lived part. The rules are decided here once, for all:
 * - a factory does no I/O; `start` does, and resolves when the part can serve
 * - `stop` finishes what is under way, flushes, releases, and resolves; it MAY be called before `start` and twice
 * - after `stop` a part is not started again; make a new one
 */
export interface Service {
  start(signal: AbortSignal): Promise<void>
  stop(): Promise<void>
}
