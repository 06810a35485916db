import type { JsonObject } from '../columns/kind.ts'
import { millrace } from '../gen/browser.gen.js'

/** The answer to a batch of browser events (EventBatchResponse of browser.proto); every event is in exactly one of the four. */
export interface BrowserBatchAnswer {
  readonly batchId: string
  readonly accepted: number
  readonly duplicates: number
  /** Not stored, and sending these again does not help. */
  readonly rejected: readonly RejectedBrowserEvent[]
  /** Not stored: send these again. */
  readonly retry: readonly RejectedBrowserEvent[]
}

export interface RejectedBrowserEvent {
  readonly index: number
  readonly eventId: string
  readonly reason: string
  readonly issues: readonly string[]
}

export function encodeBrowserAnswer(answer: BrowserBatchAnswer): Uint8Array {
  return millrace.v1.EventBatchResponse.encode({
    ...answer,
    rejected: answer.rejected.map((event) => ({ ...event, issues: [...event.issues] })),
    retry: answer.retry.map((event) => ({ ...event, issues: [...event.issues] })),
  }).finish()
}

/** The answer in proto3's JSON mapping; numbers and lists are written even when 0 and empty. */
export function browserAnswerToJson(answer: BrowserBatchAnswer): JsonObject {
  const { batchId, accepted, duplicates, rejected, retry } = answer
  return { batchId, accepted, duplicates, rejected, retry }
}
