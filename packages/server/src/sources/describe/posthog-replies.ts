import { z } from 'zod'
import type { RouteDescription } from '../../http/describe.ts'

export const posthogGroup = 'Sending: PostHog'

/** A path that PostHog's libraries ask before they run; `parts` are those of the path. */
export function describeReply(
  summary: string,
  parts: readonly string[] = [],
  type = 'application/json',
): RouteDescription {
  const media = type.split(';', 1)[0] as string
  const schema = media === 'application/json' ? z.record(z.string(), z.unknown()) : undefined
  return {
    group: posthogGroup,
    summary,
    description:
      'For PostHog’s libraries, which ask it when they start. No key is needed: nothing of a project is told.',
    ...(parts.length > 0 && { path: z.object(Object.fromEntries(parts.map(partOf))) }),
    answers: {
      200: { description: 'What the library expects.', content: { [media]: schema === undefined ? {} : { schema } } },
    },
    ...(parts.length > 0 && { problems: ['not_found'] as const }),
  }
}

const examples: Readonly<Record<string, string>> = { token: 'phc_key', script: 'surveys.js', version: '1.449.2' }

function partOf(name: string): [string, z.ZodString] {
  return [name, z.string().meta({ examples: [examples[name]] })]
}
