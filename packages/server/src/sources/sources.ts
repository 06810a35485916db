import { workersTail } from './routes/workers-tail.ts'
import { domainEvents } from './routes/domain-events.ts'
import { rrweb, snippet, webVitals } from './routes/browser-signals.ts'
import { cdc } from './routes/cdc.ts'
import { millrace } from './routes/millrace.ts'
import { otlp } from './routes/otlp.ts'
import { plausible } from './routes/plausible.ts'
import { platformEvents } from './routes/platform-events.ts'
import { posthog } from './routes/posthog.ts'
import { posthogV1 } from './routes/posthog-v1.ts'
import { recommendations } from './routes/recommendations.ts'
import { s0 } from './routes/s0.ts'
import { segment } from './routes/segment.ts'
import { umami } from './routes/umami.ts'
import type { Source } from './source.ts'

/** Every dialect that the collector speaks over HTTP, one line each. */
export const sources: readonly Source[] = [
  segment,
  millrace,
  s0,
  otlp,
  recommendations,
  platformEvents,
  umami,
  plausible,
  cdc,
  posthog,
  posthogV1,
  domainEvents,
  webVitals,
  rrweb,
  snippet,
  workersTail,
]
