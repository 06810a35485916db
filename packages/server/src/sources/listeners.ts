import { PipelineError } from '../core/errors.ts'
import type { Service } from '../core/service.ts'
import { createInFlight, showInFlight } from '../http/in-flight.ts'
import { type CollectorOptions, createCollector } from './collector.ts'
import type { GrpcServer } from './grpc/server.ts'
import { otlp } from './routes/otlp.ts'
import { createSequenceGaps } from './sequence-gaps.ts'

/** Where the collector's listeners are; null: turned off, or the port is another process's. */
export interface ListenerUrls {
  readonly collector: string
  readonly otlp: string | null
  readonly grpc: string | null
}

export interface Listeners extends Service {
  /** Throws before `start`. */
  urls(): ListenerUrls
}

interface Listener extends Service {
  url(): string
}

/**
 * Everything that the collector listens on: every dialect on its own port, and OpenTelemetry alone on the ports that its exporters know.
 * What requests hold at once is bounded for all of them together. Start them after the gate, stop them before.
 */
export function createListeners(options: Omit<CollectorOptions, 'only' | 'inFlight'>): Listeners {
  const { config, deps } = options
  const { otlpPort, grpcPort, limits } = config
  const inFlight = createInFlight(limits)
  showInFlight(deps.metrics, 'collector', inFlight, limits)
  const collector = createCollector({ ...options, inFlight })
  const open: Listener[] = []
  let otlpUrl: string | null = null
  let grpcUrl: string | null = null
  let stopped: Promise<void> | undefined

  /** These ports are also those of an OpenTelemetry collector: where one runs already, everything else works all the same. */
  async function startIfFree(name: string, listener: Listener, signal: AbortSignal): Promise<string | null> {
    try {
      open.push(listener)
      await listener.start(signal)
      return listener.url()
    } catch (error) {
      if (!(error instanceof PipelineError) || error.details['code'] !== 'EADDRINUSE') throw error
      const turnOff = `set collector.${name}Port to false if that is as it should be`
      deps.logger.error({ port: error.details['port'] }, `${nouns[name]} is NOT taken: ${error.message}; ${turnOff}`)
      return null
    }
  }

  async function createGrpc(port: number): Promise<GrpcServer> {
    // node's HTTP/2 and all that speaks it: not for those who turned it off.
    const [{ createGrpcServer }, { otlpMethods }] = await Promise.all([
      import('./grpc/server.ts'),
      import('./grpc/otlp.ts'),
    ])
    const { accept, authenticate } = options
    return createGrpcServer({
      host: config.host,
      port,
      portKey: 'collector.grpcPort',
      ...(config.tls && { tls: config.tls }),
      limits,
      inFlight,
      methods: otlpMethods({ source: otlp, accept, authenticate, gaps: createSequenceGaps(deps.metrics), deps }),
      deps,
    })
  }

  return {
    async start(signal) {
      open.push(collector)
      await collector.start(signal)
      if (otlpPort !== false) {
        const only = { name: 'otlp', port: otlpPort, portKey: 'collector.otlpPort', source: otlp }
        otlpUrl = await startIfFree('otlp', createCollector({ ...options, inFlight, only }), signal)
      }
      if (grpcPort !== false) grpcUrl = await startIfFree('grpc', await createGrpc(grpcPort), signal)
    },
    // Together: each has the same time for its requests under way.
    stop: () => (stopped ??= Promise.all(open.map((listener) => listener.stop())).then(() => undefined)),
    urls: () => ({ collector: collector.url(), otlp: otlpUrl, grpc: grpcUrl }),
  }
}

const nouns: Readonly<Record<string, string>> = { otlp: 'OTLP over HTTP', grpc: 'OTLP over gRPC' }
