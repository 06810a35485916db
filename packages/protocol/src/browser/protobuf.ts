import { millrace } from '../gen/browser.gen.js'
import {
  adActions,
  type BrowserBatch,
  type BrowserBatchAnswer,
  type BrowserEvent,
  type BrowserPayload,
  metricNames,
  navigationTriggers,
} from './types.ts'

const { EventBatch, EventBatchResponse } = millrace.v1

/** 64-bit integers of the static code: Long, or a number in messages made by hand. */
type Int64 = number | { readonly low: number; readonly high: number; readonly unsigned: boolean }

/** A number as long as it is exact, else a bigint. */
export function exactInteger(value: Int64): number | bigint {
  if (typeof value === 'number') return value
  const low = value.low >>> 0
  const high = value.unsigned ? value.high >>> 0 : value.high
  // 2^53 = 2^21 * 2^32
  if (high >= -0x200000 && high < 0x200000) {
    const exact = high * 0x100000000 + low
    if (Number.isSafeInteger(exact)) return exact
  }
  return (BigInt(high) << 32n) | BigInt(low)
}

function timeOf(value: Int64 | null | undefined, pointer: string, issues: string[]): number | undefined {
  if (value === null || value === undefined) return undefined
  const ms = exactInteger(value)
  if (ms === 0) return undefined
  if (typeof ms === 'number') return ms
  issues.push(`${pointer}: ${ms} is not a time in Unix ms`)
  return undefined
}

/** Read a protobuf batch. Throws (Error of protobufjs) when the bytes are no message; what is wrong with one event is its issue. */
export function decodeBrowserBatch(body: Uint8Array): BrowserBatch {
  const batch = EventBatch.decode(body)
  const deviceId = batch.deviceId ?? ''
  const issues: string[] = []
  const events: BrowserEvent[] = []
  for (const event of batch.events ?? []) {
    const eventIssues: string[] = []
    events.push({
      eventId: event.eventId ?? '',
      userId: event.userId ?? '',
      deviceId: event.deviceId || deviceId,
      sessionId: exactInteger(event.sessionId ?? 0),
      timestamp: timeOf(event.timestamp, '/timestamp', eventIssues),
      payload: payloadOf(event, eventIssues),
      issues: eventIssues,
    })
  }
  return {
    batchId: batch.batchId ?? '',
    seqNumber: exactInteger(batch.seqNumber ?? 0),
    sdkVersion: batch.sdkVersion ?? '',
    sentAt: timeOf(batch.sentAt, '/sent_at', issues),
    deviceId,
    events,
    issues,
  }
}

function payloadOf(event: millrace.v1.BrowserEvent.$Properties, issues: string[]): BrowserPayload | undefined {
  const { pageView, searchEvent, aiInteraction, navigation, performance, adEvent } = event
  if (pageView) {
    const { url, title, referrer, loadTimeMs, scrollDepthPct } = pageView
    return {
      kind: 'page_view',
      url: url ?? '',
      title: title ?? '',
      referrer: referrer ?? '',
      loadTimeMs: loadTimeMs ?? undefined,
      scrollDepthPct: scrollDepthPct ?? undefined,
    }
  }
  if (performance) {
    const { metricName, value, url } = performance
    const name = enumOf(metricNames, metricName, '/performance/metric_name', issues)
    if (value !== null && value !== undefined && !Number.isFinite(value)) {
      issues.push(`/performance/value: ${value} is not a finite number`)
      return { kind: 'performance', metricName: name, value: undefined, url: url ?? '' }
    }
    return { kind: 'performance', metricName: name, value: value ?? undefined, url: url ?? '' }
  }
  if (adEvent) {
    const { adId, campaignId, placement, action, revenueMicros } = adEvent
    return {
      kind: 'ad_event',
      adId: adId ?? '',
      campaignId: campaignId ?? '',
      placement: placement ?? '',
      action: enumOf(adActions, action, '/ad_event/action', issues),
      revenueMicros: revenueMicros === null || revenueMicros === undefined ? undefined : exactInteger(revenueMicros),
    }
  }
  if (navigation) {
    const { urlFrom, urlTo, trigger } = navigation
    return {
      kind: 'navigation',
      urlFrom: urlFrom ?? '',
      urlTo: urlTo ?? '',
      trigger: enumOf(navigationTriggers, trigger, '/navigation/trigger', issues),
    }
  }
  if (aiInteraction) {
    const { conversationId, taskType, model, inputTokens, outputTokens, latencyMs, cached } = aiInteraction
    return {
      kind: 'ai_interaction',
      conversationId: conversationId ?? '',
      taskType: taskType ?? '',
      model: model ?? '',
      inputTokens: inputTokens ?? undefined,
      outputTokens: outputTokens ?? undefined,
      latencyMs: latencyMs ?? undefined,
      cached: cached ?? undefined,
    }
  }
  if (searchEvent) {
    const { query, engine, resultCount, clickedPosition } = searchEvent
    return {
      kind: 'search_event',
      query: query ?? '',
      engine: engine ?? '',
      resultCount: resultCount ?? undefined,
      clickedPosition: clickedPosition ?? undefined,
    }
  }
  issues.push('/payload: missing, or of a newer client; expected one of the six payloads of BrowserEvent')
  return undefined
}

/** 0 is proto3's absent; a number beyond the list comes from a newer client. */
function enumOf<T>(
  names: readonly T[],
  value: number | null | undefined,
  pointer: string,
  issues: string[],
): T | undefined {
  if (value === null || value === undefined || value === 0) return undefined
  const name = names[value - 1]
  if (name === undefined) issues.push(`${pointer}: ${value} is not a value of 1 to ${names.length}`)
  return name
}

export function encodeBrowserAnswer(answer: BrowserBatchAnswer): Uint8Array {
  return EventBatchResponse.encode({
    ...answer,
    rejected: answer.rejected.map((event) => ({ ...event, issues: [...event.issues] })),
    retry: answer.retry.map((event) => ({ ...event, issues: [...event.issues] })),
  }).finish()
}
