import type { EventColumns } from '@millrace/protocol'
import type { Issue } from '../issues.ts'

/** The last instant that fits into a signed integer of 64 bits, in the year 2262: what `timestamp_ns` and most SDKs hold. */
const lastNs = 9_223_372_036_854_775_807n
const nsPerMs = 1_000_000n

/** Unix ms of Unix ns, cut. */
export function msOf(ns: bigint): number {
  return Number(ns / nsPerMs)
}

/** Whether a time can be stored; says so among the issues when not. 0n is no time. */
export function isTime(ns: bigint, pointer: string, issues: Issue[]): boolean {
  if (ns === 0n) return false
  if (ns <= lastNs) return true
  issues.push(`${pointer}: ${ns} is after the year 2262; expected Unix ns`)
  return false
}

/** When it happened: `timestamp` in ms, `timestamp_ns` exactly. */
export function setTimestamp(columns: EventColumns, ns: bigint): void {
  columns.timestamp = msOf(ns)
  columns.timestamp_ns = ns
}
