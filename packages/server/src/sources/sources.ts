import { millrace } from './routes/millrace.ts'
import { platformEvents } from './routes/platform-events.ts'
import { recommendations } from './routes/recommendations.ts'
import { s0 } from './routes/s0.ts'
import { segment } from './routes/segment.ts'
import type { Source } from './source.ts'

/** Every dialect that the collector speaks over HTTP, one line each. */
export const sources: readonly Source[] = [segment, millrace, s0, recommendations, platformEvents]
