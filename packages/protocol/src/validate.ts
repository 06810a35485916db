import { findColumn } from './columns/columns.ts'
import type { ColumnKind } from './columns/kind.ts'
import { eventTypes, isEventType, validatedColumns } from './event-type.ts'
import { coreColumns, type UnifiedEvent } from './unified-event.ts'

/**
 * - `full`: the core columns, the types of all columns, and what the event's type requires; unknown keys are left out of the result
 * - `strict`: as full, and unknown keys are refused
 * - `lazy`: the four core columns only; everything else passes as it is
 */
export type ValidationMode = 'full' | 'strict' | 'lazy'

export interface ValidationIssue {
  /** Column, or '' for the event as a whole. */
  readonly path: string
  /** What is wrong: types, lengths and numbers, never text of the event. */
  readonly message: string
}

export interface ValidationError {
  readonly issues: readonly ValidationIssue[]
}

/** A validated event: columns that were given, in the types of JSON or of memory. */
export type ValidatedEvent = Pick<UnifiedEvent, 'id' | 'event_type' | 'event_name' | 'ns'> &
  Readonly<Record<string, unknown>>

export type ValidationResult =
  | { readonly success: true; readonly event: ValidatedEvent }
  | { readonly success: false; readonly error: ValidationError }

export interface BatchValidationResult {
  readonly valid: readonly ValidatedEvent[]
  readonly errors: readonly { readonly index: number; readonly error: ValidationError }[]
}

export function validateEvent(input: unknown, mode: ValidationMode = 'full'): ValidationResult {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    return { success: false, error: { issues: [{ path: '', message: `expected an object, got ${typeName(input)}` }] } }
  }
  const event = input as Record<string, unknown>
  const issues: ValidationIssue[] = []
  for (const name of coreColumns) {
    const value = Object.hasOwn(event, name) ? event[name] : undefined
    if (typeof value !== 'string') issues.push({ path: name, message: `expected a string, got ${typeName(value)}` })
    else if (value === '') issues.push({ path: name, message: 'must not be empty' })
    else if (name === 'event_type' && !isEventType(value))
      issues.push({ path: name, message: `expected one of ${eventTypes.join(', ')}` })
  }
  const result: Record<string, unknown> = mode === 'lazy' ? event : {}
  if (mode !== 'lazy') {
    copyColumns(event, result, mode, issues)
    const type = event['event_type']
    if (isEventType(type)) {
      for (const name of validatedColumns(type)) {
        if (isAbsent(event, name)) issues.push({ path: name, message: `required for ${type} events` })
      }
    }
  }
  return issues.length === 0
    ? { success: true, event: result as ValidatedEvent }
    : { success: false, error: { issues } }
}

function isAbsent(event: Record<string, unknown>, name: string): boolean {
  const value = Object.hasOwn(event, name) ? event[name] : undefined
  return value === undefined || value === null || value === ''
}

function copyColumns(
  event: Record<string, unknown>,
  into: Record<string, unknown>,
  mode: ValidationMode,
  issues: ValidationIssue[],
): void {
  const core: readonly string[] = coreColumns
  for (const name of Object.keys(event)) {
    const column = findColumn(name)
    if (column === undefined) {
      if (mode === 'strict') issues.push({ path: name, message: 'unknown column' })
      continue
    }
    const value = event[name]
    into[name] = value
    if (value === undefined || value === null || core.includes(name)) continue
    const message = kindIssue(column.kind, value)
    if (message !== undefined) issues.push({ path: name, message })
  }
}

/** Each event judged by itself; a bad one does not stop its neighbours. */
export function validateEvents(inputs: readonly unknown[], mode: ValidationMode = 'full'): BatchValidationResult {
  const valid: ValidatedEvent[] = []
  const errors: { index: number; error: ValidationError }[] = []
  inputs.forEach((input, index) => {
    const result = validateEvent(input, mode)
    if (result.success) valid.push(result.event)
    else errors.push({ index, error: result.error })
  })
  return { valid, errors }
}

/** All issues in a line: `path: message` joined with `; `. */
export function formatValidationError(error: ValidationError): string {
  return error.issues.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('; ')
}

/** Paths that have an issue, each once. */
export function getInvalidFields(error: ValidationError): readonly string[] {
  return [...new Set(error.issues.map((issue) => issue.path))]
}

/** What keeps a value out of a column of that kind, in its form of JSON or of memory; undefined when nothing does. */
export function kindIssue(kind: ColumnKind, value: unknown): string | undefined {
  const rule = kindRules[kind]
  return rule.accepts(value) ? undefined : `expected ${rule.expected}, got ${typeName(value)}`
}

const text = { expected: 'a string', accepts: (value: unknown) => typeof value === 'string' }
const kindRules: Readonly<Record<ColumnKind, { expected: string; accepts: (value: unknown) => boolean }>> = {
  string: text,
  enum: text,
  number: { expected: 'a finite number', accepts: Number.isFinite },
  boolean: { expected: 'true or false', accepts: (value) => typeof value === 'boolean' },
  bigint: { expected: 'a whole number of 64 bits', accepts: isInt64 },
  timestamp: { expected: 'RFC 3339 or Unix ms', accepts: isTime },
  json: {
    expected: 'an object',
    accepts: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  },
  jsonText: { expected: 'an object or array', accepts: (value) => typeof value === 'object' && value !== null },
  bytes: { expected: 'base64', accepts: isBytes },
}

const base64 = /^[A-Za-z0-9+/_-]*={0,2}$/
const rfc3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/

function isBytes(value: unknown): boolean {
  return value instanceof Uint8Array || (typeof value === 'string' && base64.test(value))
}

function isInt64(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value)
  if (typeof value === 'bigint') return BigInt.asIntN(64, value) === value
  return typeof value === 'string' && /^-?\d{1,19}$/.test(value) && BigInt.asIntN(64, BigInt(value)) === BigInt(value)
}

function isTime(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value)
  return typeof value === 'string' && rfc3339.test(value) && !Number.isNaN(Date.parse(value))
}

function typeName(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'number') return String(value)
  if (typeof value === 'string') return `a string of ${value.length} characters`
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
