import { createRequire } from 'node:module'
import { type RecommendationEvent, recommendationSchemas } from '@millrace/protocol/recommendations'
import type { ErrorObject, ValidateFunction } from 'ajv'
import { describe, expected, type Issue, pointerKey } from './issues.ts'
import { personalData } from './personal-data.ts'

const maxIssues = 20

/** What the event's schema has against it, and what of it is personal data; nothing when it is good. */
export function recommendationIssues(
  type: RecommendationEvent,
  event: Readonly<Record<string, unknown>>,
): readonly Issue[] {
  const validate = validatorOf(type)
  const personal = personalData(event)
  if (validate(event)) return personal
  // The schemas name the forbidden fields for who reads them; here they are looked for in any spelling and depth.
  const errors = (validate.errors ?? []).filter(({ keyword }) => keyword !== 'false schema')
  return [...errors.slice(0, maxIssues).map(issueOf), ...personal]
}

const compiled = new Map<RecommendationEvent, ValidateFunction>()

/** Compiled at the first event of its kind: most collectors see none, and the compiler takes 25 ms and some megabytes. */
function validatorOf(type: RecommendationEvent): ValidateFunction {
  let validate = compiled.get(type)
  if (validate === undefined) {
    const { Ajv2020 } = createRequire(import.meta.url)('ajv/dist/2020.js') as typeof import('ajv/dist/2020.js')
    const ajv = new Ajv2020({
      allErrors: true,
      verbose: true,
      strict: true,
      keywords: ['x-pii'],
      allowUnionTypes: true,
    })
    validate = ajv.compile(recommendationSchemas[type])
    compiled.set(type, validate)
  }
  return validate
}

/** In the words of all issues: with numbers, enums and lengths, without a string of the event. */
function issueOf({ keyword, instancePath, params, data, parentSchema }: ErrorObject): Issue {
  const pointer = shownPointer(instancePath)
  const bounds = params as Readonly<Record<string, unknown>>
  switch (keyword) {
    case 'required':
      return `${pointer}/${bounds['missingProperty'] as string}: required`
    case 'enum':
      return expected(pointer, (bounds['allowedValues'] as readonly string[]).join(', '), data)
    case 'type':
      return expected(pointer, String(bounds['type']), data)
    case 'pattern':
      return expected(pointer, (parentSchema as { title: string }).title, data)
    case 'minimum':
      return `${pointer}: ${describeNumber(data)}, at least ${bounds['limit'] as number}`
    case 'maximum':
      return `${pointer}: ${describeNumber(data)}, at most ${bounds['limit'] as number}`
    case 'minLength':
    case 'maxLength':
    case 'maxItems':
      return `${pointer}: ${describe(data)}, at ${keyword.startsWith('min') ? 'least' : 'most'} ${bounds['limit'] as number}`
    default:
      return `${pointer}: ${describe(data)} breaks the rule '${keyword}'`
  }
}

function describeNumber(value: unknown): string {
  return typeof value === 'number' ? String(value) : describe(value)
}

/** Names that a client made up show as their lengths. */
function shownPointer(instancePath: string): string {
  return instancePath
    .split('/')
    .map((part, at) => (at === 0 || /^\d{1,9}$/.test(part) ? part : pointerKey(part)))
    .join('/')
}
