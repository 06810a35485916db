import type { z } from 'zod'
import type { ErrorCode } from '../../core/errors.ts'
import type { Scope } from '../../core/principal.ts'
import { type Contents, type DescribedRoute, problemSchema, type RouteDescription } from '../../http/describe.ts'
import { problemMediaType, problemTypes, problemUrn } from '../../http/problem.ts'
import { type Components, createComponents, type JsonSchema } from './components.ts'

export interface DocumentOptions {
  readonly version: string
  /** Routes of the listener that serves the document. */
  readonly api: readonly DescribedRoute[]
  /** Routes where events are sent, and where those listen, as a client of this machine reaches it. */
  readonly collector: { readonly url: string; readonly routes: readonly DescribedRoute[] }
}

/** OpenAPI 3.1, as far as it is written here. */
export interface OpenApi {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  readonly servers: readonly ServerEntry[]
  readonly tags: readonly { readonly name: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly securitySchemes: Readonly<Record<string, JsonSchema>>
  }
}

interface ServerEntry {
  readonly url: string
  readonly description: string
}

export interface Operation {
  readonly operationId: string
  readonly tags: readonly string[]
  readonly summary: string
  readonly description?: string
  readonly servers?: readonly ServerEntry[]
  readonly security: readonly Readonly<Record<string, readonly string[]>>[]
  readonly parameters?: readonly Parameter[]
  readonly requestBody?: { readonly required: boolean; readonly content: OpenContents }
  readonly responses: Readonly<Record<string, Answer>>
  /** The scope of the key that it asks for. */
  readonly 'x-millrace-scope'?: Scope
  /** The path of which this one is another name. */
  readonly 'x-millrace-same-as'?: string
}

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description?: string
  readonly schema: JsonSchema
  readonly example?: unknown
}

interface Answer {
  readonly description: string
  readonly headers?: JsonSchema
  readonly content?: OpenContents
  /** Codes of the problems with this status. */
  readonly 'x-millrace-problems'?: readonly ErrorCode[]
}

export type OpenContents = Readonly<Record<string, { readonly schema?: JsonSchema; readonly example?: unknown }>>

const description =
  'Events go in at the collector and questions at the API. Every refusal is a problem (RFC 9457): its `code` and `type` are listed at `/docs#problems`. Every answer carries `x-request-id`.'

export function openApiDocument({ version, api, collector }: DocumentOptions): OpenApi {
  const components = createComponents()
  const here = { url: '/', description: 'this API' }
  const there = { url: collector.url, description: 'the collector, where events are sent' }
  const paths: Record<string, Record<string, Operation>> = {}
  const add = (route: DescribedRoute, server: ServerEntry) => {
    const path = (paths[openPath(route.path)] ??= {})
    const method = route.method.toLowerCase()
    const before = path[method]
    const operation = before ?? operationOf(route, components)
    const servers = [...(before === undefined ? [] : (before.servers ?? [here])), server]
    path[method] = servers.every(({ url }) => url === here.url) ? operation : { ...operation, servers }
  }
  for (const route of collector.routes) add(route, there)
  for (const route of api) add(route, here)
  const groups = [...collector.routes, ...api].map(({ describes }) => describes.group)
  return {
    openapi: '3.1.0',
    info: { title: 'Millrace', version, description },
    servers: [here],
    // The collector's own probes come after what people look for.
    tags: [...new Set([...groups.filter((name) => name !== 'Operation'), 'Operation'])].map((name) => ({ name })),
    paths,
    components: { schemas: components.schemas(), securitySchemes },
  }
}

function operationOf({ method, path, describes }: DescribedRoute, components: Components): Operation {
  const parameters = [
    ...parametersOf(describes.path, 'path', components),
    ...parametersOf(describes.query, 'query', components),
    ...parametersOf(describes.headers, 'header', components),
  ]
  return {
    operationId: operationId(method, path),
    tags: [describes.group],
    summary: describes.summary,
    ...(describes.description !== undefined && { description: describes.description }),
    security: securityOf(describes.scope),
    ...(describes.scope !== undefined && { 'x-millrace-scope': describes.scope }),
    ...(describes.sameAs !== undefined && { 'x-millrace-same-as': openPath(describes.sameAs) }),
    ...(parameters.length > 0 && { parameters }),
    ...(describes.body !== undefined && {
      requestBody: { required: true, content: contentsOf(describes.body, 'input', components) },
    }),
    responses: answersOf(describes, components),
  }
}

function parametersOf(schema: z.ZodObject | undefined, place: Parameter['in'], components: Components): Parameter[] {
  if (schema === undefined) return []
  const { properties = {}, required = [] } = components.of(schema, 'input') as {
    properties?: Readonly<Record<string, JsonSchema>>
    required?: readonly string[]
  }
  return Object.entries(properties).map(([name, { description: says, examples, ...form }]) => ({
    name,
    in: place,
    required: required.includes(name),
    ...(typeof says === 'string' && { description: says }),
    schema: form,
    ...(Array.isArray(examples) && { example: examples[0] as unknown }),
  }))
}

function answersOf(describes: RouteDescription, components: Components): Record<string, Answer> {
  const answers: Record<string, Answer> = {}
  for (const [status, { description: says, content }] of Object.entries(describes.answers))
    answers[status] = {
      description: says,
      ...(content !== undefined && { content: contentsOf(content, 'output', components) }),
    }
  const codes = [...(describes.problems ?? []), 'internal' as const]
  const problem = components.of(problemSchema, 'output')
  const refusal = describes.refusal === undefined ? undefined : contentsOf(describes.refusal, 'output', components)
  for (const status of new Set(problemTypes.filter(({ code }) => codes.includes(code)).map((type) => type.status))) {
    const types = problemTypes.filter((type) => type.status === status && codes.includes(type.code))
    const own = answers[status]
    answers[status] = {
      description: own?.description ?? types.map(({ title }) => `${title}.`).join(' '),
      ...((status === 429 || status === 503) && { headers: retryAfter }),
      content: {
        [problemMediaType]: { schema: problem, example: exampleOf(types[0]!) },
        ...refusal,
        ...own?.content,
        ...bothOf(own?.content?.[problemMediaType], problem),
      },
      'x-millrace-problems': types.map(({ code }) => code),
    }
  }
  return answers
}

/** A dialect has its own words beside the problem under one media type. */
function bothOf(own: OpenContents[string] | undefined, problem: JsonSchema): OpenContents {
  if (own?.schema === undefined) return {}
  return { [problemMediaType]: { ...own, schema: { anyOf: [own.schema, problem] } } }
}

function exampleOf({ code, status, title }: (typeof problemTypes)[number]): object {
  return {
    type: problemUrn(code),
    title,
    status,
    code,
    detail: 'what is wrong, with the offending value, and what to do',
    instance: 'urn:millrace:request:01JD8Z3CB0',
  }
}

const retryAfter = {
  'Retry-After': { description: 'seconds after which to try again, 1 to 300', schema: { type: 'integer' } },
}

function contentsOf(contents: Contents, io: 'input' | 'output', components: Components): OpenContents {
  return Object.fromEntries(
    Object.entries(contents).map(([type, { schema, example }]) => [
      type,
      {
        ...(schema !== undefined && { schema: components.of(schema, io) }),
        ...(example !== undefined && { example }),
      },
    ]),
  )
}

/** The ways of a key (`sources/credentials.ts`, `api/auth.ts`); none is needed with `auth: open`. */
const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer', description: 'the key' },
  basic: { type: 'http', scheme: 'basic', description: 'the key as user, the password empty' },
  writeKey: { type: 'apiKey', in: 'header', name: 'x-write-key' },
  writeKeyInQuery: { type: 'apiKey', in: 'query', name: 'writeKey', description: 'for beacons, which set no headers' },
  apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
} as const

function securityOf(scope: Scope | undefined): Operation['security'] {
  if (scope === undefined) return []
  const own: readonly (keyof typeof securitySchemes)[] =
    scope === 'write' ? ['writeKey', 'writeKeyInQuery'] : ['apiKey']
  return [{}, { bearer: [] }, { basic: [] }, ...own.map((name) => ({ [name]: [] }))]
}

/** `/events/:id` → `/events/{id}` */
function openPath(path: string): string {
  return path.replaceAll(/:([A-Za-z]\w*)/g, '{$1}')
}

/** `GET /api/v1/events/:id` → `getApiV1EventsId` */
function operationId(method: string, path: string): string {
  const words = path.split(/[^A-Za-z0-9]+/).filter((word) => word !== '')
  return [method.toLowerCase(), ...words.map((word) => word[0]!.toUpperCase() + word.slice(1))].join('')
}
