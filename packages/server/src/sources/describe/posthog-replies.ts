import { z } from 'zod'
import type { RouteDescription } from '../../http/describe.ts'

export const posthogGroup = 'Sending: PostHog'

/** Parts of paths, each with an example. */
const partExamples = { token: 'phc_key', script: 'web-vitals.js', version: '1.449.2' } as const
type Part = keyof typeof partExamples

/** A path that PostHog's libraries ask before they run; `parts` are those of the path. */
export function describeReply(
  summary: string,
  parts: readonly Part[] = [],
  type = 'application/json',
): RouteDescription {
  const media = type.split(';', 1)[0] as string
  const content = media === 'application/json' ? { schema: z.record(z.string(), z.unknown()) } : {}
  const path = parts.map((part) => [part, z.string().meta({ examples: [partExamples[part]] })] as const)
  return {
    group: posthogGroup,
    summary,
    description:
      'For PostHog’s libraries, which ask it when they start. No key is needed: nothing of a project is told.',
    ...(parts.length > 0 && { path: z.object(Object.fromEntries(path)), problems: ['not_found'] }),
    answers: { 200: { description: 'What the library expects.', content: { [media]: content } } },
  }
}
