import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import protobuf from 'protobufjs'
import { millrace } from '../packages/protocol/src/gen/browser.gen.js'
import { contractSamples } from '../packages/server/src/decoders/contract-samples.ts'
import type { DecodeContext } from '../packages/server/src/decoders/decode.ts'
import { findDialect } from '../packages/server/src/decoders/registry.ts'

/** What decoding an event of a dialect costs beside merely parsing the same body. */
export interface DecoderCost {
  readonly body: string
  readonly eventsPerBody: number
  readonly bytesPerEvent: number
  /** CPU µs per event: the parser alone (JSON.parse of the text, or protobufjs' static code), and body → columns. */
  readonly parse: number
  readonly decode: number
}

interface Case {
  readonly dialect: string
  /** A golden input, captured from a real client or taken from a published specification. */
  readonly golden: string
  readonly kind?: string
  readonly contentType?: string
  /** Makes a body of `copies` times what the golden one holds. Default: its events in the dialect's own wrapping. */
  readonly repeat?: (golden: Buffer, copies: number) => Buffer
  readonly parse?: (body: Buffer) => unknown
}

const testdata = join(import.meta.dirname, '../packages/server/src/decoders/testdata')
const protos = join(import.meta.dirname, '../packages/protocol/proto')

/** Repeated fields of protobuf messages one after another are one message with all of them. */
const concatenated = (golden: Buffer, copies: number) => Buffer.concat(Array.from({ length: copies }, () => golden))
const inList = (key: string) => (golden: Buffer, copies: number) => {
  const body = JSON.parse(golden.toString()) as Record<string, unknown[]>
  return Buffer.from(JSON.stringify({ ...body, [key]: Array.from({ length: copies }, () => body[key]).flat() }))
}
const alone = (golden: Buffer) => golden

const otel = new protobuf.Root()
otel.resolvePath = (_origin, target) => join(protos, target)
const service = (signal: string) => `opentelemetry/proto/collector/${signal}/v1/${signal}_service.proto`
otel.loadSync(['trace', 'logs', 'metrics'].map(service))
const decodedBy = (name: string) => {
  const type = otel.lookupType(name)
  return (body: Buffer) => type.decode(body)
}
const protobufType = 'application/x-protobuf'

const cases: readonly Case[] = [
  { dialect: 'segment', golden: 'batch.node-all-types.in.json' },
  { dialect: 'millrace', golden: 'events.kinds.in.json' },
  {
    dialect: 's0',
    golden: 'batch.binary-all.in.bin',
    contentType: protobufType,
    repeat: concatenated,
    parse: (body) => millrace.v1.EventBatch.decode(body),
  },
  ...(['traces', 'logs', 'metrics'] as const).flatMap((signal): Case[] => {
    const name = { traces: 'Trace', logs: 'Logs', metrics: 'Metrics' }[signal]
    const folder = signal === 'traces' ? 'trace' : signal
    const request = `opentelemetry.proto.collector.${folder}.v1.Export${name}ServiceRequest`
    const list = { traces: 'resourceSpans', logs: 'resourceLogs', metrics: 'resourceMetrics' }[signal]
    return [
      {
        dialect: 'otel',
        kind: signal,
        golden: `${signal}.node-protobuf.in.bin`,
        contentType: protobufType,
        repeat: concatenated,
        parse: decodedBy(request),
      },
      { dialect: 'otel', kind: signal, golden: `${signal}.node-json.in.json`, repeat: inList(list) },
    ]
  }),
  { dialect: 'posthog', golden: 'capture.node-plain.in.json', repeat: inList('batch') },
  { dialect: 'web_vitals', golden: 'vitals.array.in.json' },
  { dialect: 'rrweb', golden: 'replay.chunk.in.json', repeat: inList('events') },
  { dialect: 'snippet', golden: 'snippet.page.in.json' },
  { dialect: 'workers_tail', golden: 'tail.workers-types-kinds.in.json' },
  { dialect: 'cdc', golden: 'cdc.debezium-docs-postgres-without-schema.in.json' },
  { dialect: 'do_event', golden: 'do.batch.in.json' },
  { dialect: 'recommendations', golden: 'recommendations.spec.in.json' },
  { dialect: 'platform_events', golden: 'platform-events.spec.in.json' },
  { dialect: 'umami', golden: 'send.forms.in.json' },
  { dialect: 'plausible', golden: 'event.custom.in.txt', repeat: alone },
]

/** Every dialect's decoder on bodies of some hundred events, beside the parser alone on the same bytes. */
export function decoderCosts(quick: boolean): DecoderCost[] {
  return cases.map((one) => costOf(one, quick ? 0.2 : 1))
}

function costOf(one: Case, seconds: number): DecoderCost {
  const { decode } = findDialect(one.dialect)
  const sample = contractSamples[one.dialect]!
  const contentType = one.contentType ?? sample.contentType ?? 'application/json'
  const cx: DecodeContext = { headers: {}, kind: one.kind ?? sample.kind, contentType }
  const golden = readFileSync(join(testdata, one.dialect, one.golden))
  const repeat =
    one.repeat ??
    ((_body: Buffer, copies: number) => {
      const good = eventsIn(golden).filter((event) => {
        const { events: decoded } = decode(sample.wrap([event]), cx)
        return decoded.every(({ issues }) => issues === undefined)
      })
      return Buffer.from(sample.wrap(Array.from({ length: copies }, () => good).flat()))
    })
  const inOne = decode(repeat(golden, 1), cx).events.length
  const body = repeat(golden, Math.max(1, Math.round(300 / inOne)))
  const { events } = decode(body, cx)
  const bad = events.filter(({ issues }) => issues !== undefined).length
  if (bad > 0) throw new Error(`${one.dialect}: ${bad} of ${events.length} events of ${one.golden} cannot be mapped`)
  const parse = one.parse ?? ((bytes: Buffer): unknown => JSON.parse(bytes.toString()))
  return {
    body: `${one.dialect}${one.kind === undefined ? '' : ` ${one.kind}`}, ${contentType === protobufType ? 'protobuf' : 'JSON'}`,
    eventsPerBody: events.length,
    bytesPerEvent: body.length / events.length,
    ...alternately(
      () => parse(body),
      () => decode(body, cx),
      seconds,
      events.length,
    ),
  }
}

/** The events of a golden body, however it wraps them. */
function eventsIn(golden: Buffer): readonly unknown[] {
  const value = JSON.parse(golden.toString()) as unknown
  const list = Array.isArray(value) ? value : Object.values(value as object).find((part) => Array.isArray(part))
  return (list as unknown[] | undefined) ?? [value]
}

/** By turns, so that both see the same machine; the first round only warms up. */
function alternately(parse: () => unknown, decode: () => unknown, seconds: number, events: number) {
  const spent = { parse: 0, decode: 0 }
  const runs = { parse: 0, decode: 0 }
  for (let round = 0; round < 6; round++) {
    for (const [name, run] of [
      ['parse', parse],
      ['decode', decode],
    ] as const) {
      const before = process.cpuUsage()
      const end = performance.now() + (seconds * 1000) / 5
      let count = 0
      for (; performance.now() < end; count++) run()
      if (round === 0) continue
      const { user, system } = process.cpuUsage(before)
      spent[name] += user + system
      runs[name] += count
    }
  }
  return { parse: spent.parse / runs.parse / events, decode: spent.decode / runs.decode / events }
}
