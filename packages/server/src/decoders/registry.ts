import { decodeCloudEvents, decodeCloudEventsInSteps } from './cloudevents.ts'
import { decodeTail, decodeTailInSteps } from './tail.ts'
import { decodeDomainEvents, decodeDomainEventsInSteps } from './domain-events.ts'
import { decodeCdc, decodeCdcInSteps } from './cdc.ts'
import type { Decode, DecodeInSteps } from './decode.ts'
import { decodeMillrace, decodeMillraceInSteps } from './millrace.ts'
import { decodeOtlp, decodeOtlpInSteps } from './otlp.ts'
import { decodePlausible } from './plausible.ts'
import { decodePlatformEvents, decodePlatformEventsInSteps } from './platform-events.ts'
import { decodePosthog, decodePosthogInSteps } from './posthog.ts'
import { decodeRecommendations, decodeRecommendationsInSteps } from './recommendations.ts'
import { decodeResourceTiming, decodeResourceTimingInSteps } from './resource-timing.ts'
import { decodeRrweb, decodeRrwebInSteps } from './rrweb.ts'
import { decodeS0 } from './s0.ts'
import { decodeSegment, decodeSegmentInSteps } from './segment.ts'
import { decodeUmami } from './umami.ts'
import { decodeWebVitals, decodeWebVitalsInSteps } from './web-vitals.ts'

/** One dialect, as data. A new one is a decoder file, a line here, its routes, and golden files in `testdata/<name>/`. */
export interface Dialect {
  /** `event_source` of its events, the ledger's `source`, and the folder of its golden files. */
  readonly name: string
  readonly description: string
  /** Who sends it. */
  readonly source: string
  readonly eventTypes: readonly string[]
  readonly decode: Decode
  /** For bodies of thousands of events. */
  readonly decodeInSteps?: DecodeInSteps
}

export const dialects: readonly Dialect[] = [
  {
    name: 'segment',
    description: "Segment's HTTP API: track, identify, page, screen, group, alias, single and in batches",
    source: 'analytics-node, analytics-next and every Segment-compatible SDK',
    eventTypes: ['track', 'page'],
    decode: decodeSegment,
    decodeInSteps: decodeSegmentInSteps,
  },
  {
    name: 'millrace',
    description: "Millrace's own JSON with column names as keys: one event, an array, wrapped, or NDJSON",
    source: 'curl, the command line, any program',
    eventTypes: ['trace', 'metric', 'log', 'cdc', 'track', 'page', 'vital', 'replay', 'tail', 'snippet'],
    decode: decodeMillrace,
    decodeInSteps: decodeMillraceInSteps,
  },
  {
    name: 's0',
    description: 'batches of browser events as protobuf, or as the JSON mapping of the same messages',
    source: 'browser telemetry SDKs',
    eventTypes: ['page', 'track', 'vital'],
    decode: decodeS0,
  },
  {
    name: 'otel',
    description: 'OTLP: traces, logs and metrics of OpenTelemetry, as protobuf or JSON',
    source: 'OpenTelemetry SDKs of every language, and the OpenTelemetry Collector',
    eventTypes: ['trace', 'log', 'metric'],
    decode: decodeOtlp,
    decodeInSteps: decodeOtlpInSteps,
  },
  {
    name: 'posthog',
    description:
      "PostHog's capture API, v0 and v1: events, autocapture, identities, groups, exceptions, web vitals, recordings",
    source: 'posthog-js, posthog-node, posthog-python and its other libraries',
    eventTypes: ['track', 'page', 'log', 'vital', 'replay'],
    decode: decodePosthog,
    decodeInSteps: decodePosthogInSteps,
  },
  {
    name: 'recommendations',
    description: 'the five events of a recommender: request, ranking, impression, click, error',
    source: 'recommendation services and their pages',
    eventTypes: ['track', 'trace', 'log'],
    decode: decodeRecommendations,
    decodeInSteps: decodeRecommendationsInSteps,
  },
  {
    name: 'platform_events',
    description: "a platform's own events, as rows of its platform_events table",
    source: 'applications with an event table of their own',
    eventTypes: ['track'],
    decode: decodePlatformEvents,
    decodeInSteps: decodePlatformEventsInSteps,
  },
  {
    name: 'umami',
    description: "Umami's collection API: page views, events, identify, performance, engagement, errors",
    source: "Umami's tracker and server libraries",
    eventTypes: ['page', 'track', 'vital', 'log'],
    decode: decodeUmami,
  },
  {
    name: 'plausible',
    description: "Plausible's events API: page views, engagement and custom events",
    source: "Plausible's tracker and events API",
    eventTypes: ['page', 'track'],
    decode: decodePlausible,
  },
  {
    name: 'cdc',
    description: 'changes of database rows: plain, or Debezium envelopes with and without their schema',
    source: 'Kafka Connect and Debezium Server through an HTTP sink, triggers, any program',
    eventTypes: ['cdc'],
    decode: decodeCdc,
    decodeInSteps: decodeCdcInSteps,
  },
  {
    name: 'do_event',
    description: 'domain events and actions of entities',
    source: 'application code, durable objects',
    eventTypes: ['track', 'trace'],
    decode: decodeDomainEvents,
    decodeInSteps: decodeDomainEventsInSteps,
  },
  {
    name: 'web_vitals',
    description: 'metric objects of web-vitals, single, in arrays and with their page and session',
    source: 'web-vitals, with sendBeacon or fetch',
    eventTypes: ['vital'],
    decode: decodeWebVitals,
    decodeInSteps: decodeWebVitalsInSteps,
  },
  {
    name: 'rrweb',
    description: 'chunks of rrweb session recordings, plain, compressed and packed',
    source: '@rrweb/record, with sendBeacon or fetch',
    eventTypes: ['replay'],
    decode: decodeRrweb,
    decodeInSteps: decodeRrwebInSteps,
  },
  {
    name: 'snippet',
    description: 'resource timing of browsers: PerformanceResourceTiming entries',
    source: "a page's own script, with sendBeacon or fetch",
    eventTypes: ['snippet'],
    decode: decodeResourceTiming,
    decodeInSteps: decodeResourceTimingInSteps,
  },
  {
    name: 'workers_tail',
    description: 'invocations of Cloudflare Workers, from a Tail Worker or from Logpush',
    source: 'Tail Workers, Logpush jobs of workers_trace_events',
    eventTypes: ['tail'],
    decode: decodeTail,
    decodeInSteps: decodeTailInSteps,
  },
  {
    name: 'cloudevents',
    description: 'CloudEvents 1.0 over HTTP: structured, batched and binary',
    source: 'the SDKs of cloudevents.io, event brokers, webhooks',
    eventTypes: ['track'],
    decode: decodeCloudEvents,
    decodeInSteps: decodeCloudEventsInSteps,
  },
]

/** The dialect of that name; unknown names are a programmer's error. */
export function findDialect(name: string): Dialect {
  const dialect = dialects.find((one) => one.name === name)
  if (dialect === undefined)
    throw new TypeError(`unknown dialect '${name}', have ${dialects.map((d) => d.name).join(', ')}`)
  return dialect
}
