/** A batch of browser.proto as plain data, the same from protobuf and from its JSON mapping. */
export interface BrowserBatch {
  readonly batchId: string
  readonly seqNumber: number | bigint
  readonly sdkVersion: string
  /** Unix ms; undefined when the client did not say. */
  readonly sentAt: number | undefined
  readonly deviceId: string
  readonly events: readonly BrowserEvent[]
  /** What of the batch's own fields could not be read, as `<JSON pointer>: <what is wrong>`; its events are read all the same. */
  readonly issues: readonly string[]
}

/** One event; '' and undefined are absent. */
export interface BrowserEvent {
  eventId: string
  userId: string
  /** The event's own, else the batch's. */
  deviceId: string
  /** 0 is absent. */
  sessionId: number | bigint
  /** Unix ms; undefined when the client did not say. */
  timestamp: number | undefined
  /** undefined: none, two, or one of a newer client; `issues` says so. */
  payload: BrowserPayload | undefined
  /** `<JSON pointer into the event>: <what is wrong>`; empty when all is well. */
  readonly issues: string[]
}

export type NavigationTrigger = 'link' | 'typed' | 'bookmark' | 'back' | 'ai_suggest'
export type MetricName = 'FCP' | 'LCP' | 'CLS' | 'FID' | 'TTFB' | 'INP'
export type AdAction = 'impression' | 'viewable' | 'click' | 'conversion'

/** In the order of their numbers in browser.proto, from 1. */
export const navigationTriggers: readonly NavigationTrigger[] = ['link', 'typed', 'bookmark', 'back', 'ai_suggest']
export const metricNames: readonly MetricName[] = ['FCP', 'LCP', 'CLS', 'FID', 'TTFB', 'INP']
export const adActions: readonly AdAction[] = ['impression', 'viewable', 'click', 'conversion']

export interface PageView {
  readonly kind: 'page_view'
  readonly url: string
  readonly title: string
  readonly referrer: string
  readonly loadTimeMs: number | undefined
  readonly scrollDepthPct: number | undefined
}

export interface SearchEvent {
  readonly kind: 'search_event'
  readonly query: string
  readonly engine: string
  readonly resultCount: number | undefined
  readonly clickedPosition: number | undefined
}

export interface AiInteraction {
  readonly kind: 'ai_interaction'
  readonly conversationId: string
  readonly taskType: string
  readonly model: string
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
  readonly latencyMs: number | undefined
  readonly cached: boolean | undefined
}

export interface Navigation {
  readonly kind: 'navigation'
  readonly urlFrom: string
  readonly urlTo: string
  readonly trigger: NavigationTrigger | undefined
}

export interface Performance {
  readonly kind: 'performance'
  readonly metricName: MetricName | undefined
  readonly value: number | undefined
  readonly url: string
}

export interface AdEvent {
  readonly kind: 'ad_event'
  readonly adId: string
  readonly campaignId: string
  readonly placement: string
  readonly action: AdAction | undefined
  /** bigint beyond 2^53. */
  readonly revenueMicros: number | bigint | undefined
}

export type BrowserPayload = PageView | SearchEvent | AiInteraction | Navigation | Performance | AdEvent

/** The answer to a batch, in the encoding of the request. */
export interface BrowserBatchAnswer {
  readonly batchId: string
  readonly accepted: number
  readonly duplicates: number
  readonly rejected: readonly RejectedBrowserEvent[]
  readonly retry: readonly RejectedBrowserEvent[]
}

export interface RejectedBrowserEvent {
  readonly index: number
  readonly eventId: string
  readonly reason: string
  readonly issues: readonly string[]
}
