import { z } from 'zod'

const known = <T extends z.ZodType>(schema: T) => schema.nullable()
const count = z.number()

/** Whatever is known of the whole; what cannot be learned is null, and a line of `problems` says why. */
export const statusAnswer = z
  .looseObject({
    version: z.string(),
    engine_version: known(z.string()),
    node_version: z.string(),
    uptime_seconds: count,
    auth: z.enum(['open', 'keys']),
    collector: known(z.string()).describe('where events are sent'),
    otlp: known(z.string()).describe('OpenTelemetry over HTTP, on its own port; null: off, or the port is taken'),
    grpc: known(z.string()).describe('OpenTelemetry over gRPC; null: off, or the port is taken'),
    api: known(z.string()),
    pid: z.looseObject({
      supervisor: known(z.int()),
      collector: known(z.int()),
      worker: known(z.int()),
      engine: known(z.int()),
      api: z.int().optional(),
    }),
    jobs: z.array(
      z.looseObject({
        job: z.string(),
        worker: z.string().optional().describe('host and process, where jobs and API are processes of their own'),
        state: z.string(),
        lag_events: count,
        lag_seconds: count,
        events_done: count,
        dead_letters: count,
        last_error: known(z.string()),
      }),
    ),
    lag: z.looseObject({ events: known(count), seconds: known(count) }).describe('of the job that is furthest behind'),
    rates: z.looseObject({ events_per_second: known(count).describe('stored, over the last minute') }),
    sizes: z.looseObject({
      log_bytes: known(count),
      store_bytes: known(count),
      events: known(count),
      disk_free_bytes: known(count),
    }),
    problems: z.array(z.string()).describe('empty: all is well'),
  })
  .meta({ id: 'Status' })

export const statusExample = {
  version: '0.1.0',
  engine_version: '26.7.3.1',
  node_version: '24.21.0',
  uptime_seconds: 3600,
  auth: 'open' as const,
  collector: 'http://127.0.0.1:8088',
  otlp: 'http://127.0.0.1:4318',
  grpc: 'http://127.0.0.1:4317',
  api: 'http://127.0.0.1:8089',
  pid: { supervisor: 4100, collector: 4112, worker: 4113, engine: 4111 },
  jobs: [
    {
      job: 'load',
      state: 'running',
      lag_events: 0,
      lag_seconds: 0,
      events_done: 98,
      dead_letters: 0,
      last_error: null,
    },
  ],
  lag: { events: 0, seconds: 0 },
  rates: { events_per_second: 1.6 },
  sizes: { log_bytes: 1_310_720, store_bytes: 20_480, events: 98, disk_free_bytes: 52_000_000_000 },
  problems: [],
}
