import { z } from 'zod'
import type { ErrorCode } from '../core/errors.ts'
import type { Scope } from '../core/principal.ts'

/**
 * What a route says of itself: `/openapi.json` and `/docs` are made of nothing else.
 *
 * A route MUST parse with the very schemas that stand here (`path`, `query`, `body`), and SHOULD let the compiler hold its answer
 * against the one in `answers` (`Described`), so that the document cannot say what the code does not do. A schema with
 * `.meta({ id })` becomes a component of that name.
 */
export interface RouteDescription {
  /** The heading that it stands under. */
  readonly group: string
  /** A few words, without a full stop. */
  readonly summary: string
  /** Sentences; `code` in backticks. */
  readonly description?: string
  /** The key that it asks for; none: anyone may call it. */
  readonly scope?: Scope
  /** Of `:name` parts of the path. */
  readonly path?: z.ZodObject
  readonly query?: z.ZodObject
  /** Request headers that steer it. */
  readonly headers?: z.ZodObject
  /** The form of the body by media type, the usual one first. */
  readonly body?: Contents
  /** What it answers when all is well, by status. */
  readonly answers: Readonly<Record<number, DescribedAnswer>>
  /** How it may refuse. `internal` goes without saying, and so do `unavailable` (full, stopping) but for probes. */
  readonly problems?: readonly ErrorCode[]
  /** The form of a refusal in a dialect that has its own; problems too, from what stands before the route. */
  readonly refusal?: Contents
  /** The path of which this one is another name. */
  readonly sameAs?: string
}

export interface DescribedAnswer {
  readonly description: string
  /** None: the body is empty. */
  readonly content?: Contents
}

export type Contents = Readonly<Record<string, Content>>

export interface Content {
  /** None: bytes or text that no JSON Schema describes. */
  readonly schema?: z.ZodType
  readonly example?: unknown
}

/** A route as the document sees it. */
export interface DescribedRoute {
  readonly method: string
  /** As mounted, with `:name` parts. */
  readonly path: string
  readonly describes: RouteDescription
}

/** What a handler returns for an answer that this schema describes. */
export type Described<T extends z.ZodType> = DeepReadonly<z.output<T>>

type DeepReadonly<T> = T extends readonly (infer Item)[]
  ? readonly DeepReadonly<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: DeepReadonly<T[Key]> }
    : T

/** RFC 9457, as `problemAnswer` writes it; dialects add members. */
export const problemSchema = z
  .looseObject({
    type: z.string().describe('`urn:millrace:problem:<code>`'),
    title: z.string().describe('the same for every problem of this type'),
    status: z.int(),
    code: z.string().describe('the last part of `type`, or a word of the route’s own'),
    detail: z.string().describe('what is wrong, with the offending value, and what to do'),
    instance: z.string().describe('`urn:millrace:request:<id>`; the id is in the header `x-request-id` too'),
    details: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('numbers, names and lengths; never a string of an event'),
  })
  .meta({ id: 'Problem', description: 'Why a request was refused' })

/** Both probes, on every listener. */
export const healthAnswer = z
  .strictObject({
    status: z.enum(['ok', 'unavailable']),
    reason: z.string().optional().describe('why it cannot do its work now'),
  })
  .meta({ id: 'Health' })

/** A part of the document that is JSON Schema already. */
export function fromJsonSchema(id: string, schema: Readonly<Record<string, unknown>>): z.ZodType {
  const { $schema: _dialect, $id: _base, ...keywords } = schema
  return z.unknown().meta({ ...keywords, id })
}
