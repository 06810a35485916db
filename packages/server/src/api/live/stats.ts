import { Counter, Gauge } from 'prom-client'
import type { Metrics } from '../../core/deps.ts'

/** What /stats answers; counts are of this process since its start. */
export interface LiveStats {
  readonly connections: { readonly active: number; readonly total: number; readonly limit: number }
  readonly messages_sent: number
  /** Over the last minute. */
  readonly messages_per_second: number
  readonly events_missed: number
  readonly errors: number
  /** From the arrival at the collector to the sending, ms, of the last thousand records. */
  readonly latency_ms: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null }
  readonly pending_bytes: number
}

/** The same as S3's hot tier has it. */
export interface LiveMeasures {
  readonly activeConnections: number
  readonly totalConnections: number
  readonly messagesSent: number
  readonly messagesPerSecond: number
  readonly errorCount: number
  /** Streams by the topics and patterns that they ask for, the most wanted ones. */
  readonly topicStats: Readonly<Record<string, number>>
  readonly latency: LiveStats['latency_ms']
}

const topicsShown = 100

/** `topics`: of each open stream. */
export function measuresOf(stats: LiveStats, topics: Iterable<readonly string[]>): LiveMeasures {
  const wanted = new Map<string, number>()
  for (const each of topics) for (const topic of each) wanted.set(topic, (wanted.get(topic) ?? 0) + 1)
  const most = [...wanted].toSorted(([, a], [, b]) => b - a).slice(0, topicsShown)
  return {
    activeConnections: stats.connections.active,
    totalConnections: stats.connections.total,
    messagesSent: stats.messages_sent,
    messagesPerSecond: stats.messages_per_second,
    errorCount: stats.errors,
    topicStats: Object.fromEntries(most),
    latency: stats.latency_ms,
  }
}

export interface Counts {
  messages: number
  missed: number
  total: number
  errors: number
}

const latencySamples = 1000
const seconds = 60

export interface StatsKeeper {
  readonly counts: Counts
  latency(ms: number): void
  read(active: number, limit: number, pendingBytes: number): LiveStats
  stop(): void
}

export function createStats(metrics: Metrics, active: () => number): StatsKeeper {
  const counts: Counts = { messages: 0, missed: 0, total: 0, errors: 0 }
  const latencies: number[] = []
  let nextLatency = 0
  /** `messages` as it was at the end of each of the last seconds. */
  const history: number[] = [0]
  const timer = setInterval(() => {
    history.push(counts.messages)
    if (history.length > seconds + 1) history.shift()
  }, 1000).unref()
  show(metrics, counts, active)
  return {
    counts,
    latency(ms) {
      latencies[nextLatency] = Math.max(0, ms)
      nextLatency = (nextLatency + 1) % latencySamples
    },
    read(now, limit, pendingBytes) {
      const sorted = latencies.toSorted((a, b) => a - b)
      const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null
      const span = Math.max(1, history.length - 1)
      return {
        connections: { active: now, total: counts.total, limit },
        messages_sent: counts.messages,
        messages_per_second: (counts.messages - (history[0] ?? 0)) / span,
        events_missed: counts.missed,
        errors: counts.errors,
        latency_ms: { p50: at(0.5), p95: at(0.95), p99: at(0.99) },
        pending_bytes: pendingBytes,
      }
    },
    stop: () => clearInterval(timer),
  }
}

function show(metrics: Metrics, counts: Counts, active: () => number): void {
  const gauges = [
    ['millrace_live_subscribers', 'Open live streams, WebSocket and SSE'],
    ['eventstream_connections_active', 'As millrace_live_subscribers'],
  ] as const
  for (const [name, help] of gauges)
    new Gauge({
      name,
      help,
      registers: [metrics],
      collect() {
        this.set(active())
      },
    })
  const counters = [
    ['millrace_live_missed_total', 'Events that subscribers were told they missed, before filters', 'missed'],
    ['millrace_live_messages_total', 'Messages sent to subscribers', 'messages'],
    ['millrace_live_connections_total', 'Live streams opened', 'total'],
    ['millrace_live_errors_total', 'Live streams refused, or ended by an error', 'errors'],
    // Under the names that dashboards of S3's hot tier ask for.
    ['eventstream_connections_total', 'As millrace_live_connections_total', 'total'],
    ['eventstream_messages_total', 'As millrace_live_messages_total', 'messages'],
    ['eventstream_errors_total', 'As millrace_live_errors_total', 'errors'],
  ] as const
  for (const [name, help, key] of counters)
    new Counter({
      name,
      help,
      registers: [metrics],
      collect() {
        this.reset()
        this.inc(counts[key])
      },
    })
}
