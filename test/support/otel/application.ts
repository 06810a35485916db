import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** What an application of `emit.ts` or `emit.py` said at its end. */
export interface Said {
  /** Errors that the SDK reported; none: it believes that all was taken. */
  readonly complaints: readonly string[]
}

export interface Emitting {
  readonly service: string
  readonly endpoint: string
  readonly protocol: 'http/protobuf' | 'http/json' | 'grpc'
  readonly count: number
  readonly pauseMs?: number
  readonly env?: Readonly<Record<string, string>>
}

/** An application instrumented with the SDK for Node, in a process of its own. */
export function emitWithNode(what: Emitting): Promise<Said> {
  const script = join(import.meta.dirname, 'emit.ts')
  const args = ['--disable-warning=ExperimentalWarning', script, String(what.count), String(what.pauseMs ?? 0)]
  return run(process.execPath, args, what)
}

/** The same with the SDK for Python. It speaks protobuf and gRPC. */
export function emitWithPython(python: string, what: Emitting): Promise<Said> {
  const script = join(import.meta.dirname, 'emit.py')
  const protocol = what.protocol === 'grpc' ? 'grpc' : 'http'
  return run(python, [script, protocol, String(what.count), String(what.pauseMs ?? 0)], what)
}

function run(command: string, args: readonly string[], what: Emitting): Promise<Said> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      OTEL_SERVICE_NAME: what.service,
      OTEL_EXPORTER_OTLP_ENDPOINT: what.endpoint,
      OTEL_EXPORTER_OTLP_PROTOCOL: what.protocol,
      OTEL_TRACES_EXPORTER: 'otlp',
      OTEL_LOGS_EXPORTER: 'otlp',
      OTEL_METRICS_EXPORTER: 'otlp',
      OTEL_NODE_RESOURCE_DETECTORS: 'env',
      ...what.env,
    },
  })
  let out = ''
  let err = ''
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code) => {
      const last = out.trimEnd().split('\n').at(-1) ?? ''
      if (code === 0 && last.startsWith('{')) resolve(JSON.parse(last) as Said)
      else reject(new Error(`${command} ended with ${code}:\n${out}\n${err.slice(-4000)}`))
    })
  })
}
