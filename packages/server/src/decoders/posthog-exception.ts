import type { EventColumns } from '@millrace/protocol'
import { isObject } from './issues.ts'
import { textOf } from './posthog-properties.ts'

type Json = Record<string, unknown>

/** PostHog's words for severities → ours, with OpenTelemetry's numbers. */
const levels: Readonly<Record<string, readonly [string, number]>> = {
  fatal: ['fatal', 21],
  critical: ['fatal', 21],
  error: ['error', 17],
  warning: ['warn', 13],
  warn: ['warn', 13],
  log: ['info', 9],
  info: ['info', 9],
  debug: ['debug', 5],
}

/**
 * `$exception` is a log line of its level (error unless `$exception_level` says otherwise). The first of `$exception_list` is what was
 * thrown, the others its causes: the first fills error_type and error_message, all of them the stack, in the form that engines print.
 * Older libraries send `$exception_type`, `$exception_message` and `$exception_stack_trace_raw` instead.
 */
export function mapException(properties: Json, columns: EventColumns): void {
  const said = textOf(properties['$exception_level'])?.toLowerCase() ?? 'error'
  const [level, number] = (Object.hasOwn(levels, said) ? levels[said] : undefined) ?? ['error', 17]
  columns.event_type = 'log'
  columns.event_name = '$exception'
  columns.log_level = level
  columns.log_level_num = number
  const { $exception_list: listed } = properties
  const list = (Array.isArray(listed) ? (listed as unknown[]) : []).filter(isObject)
  const first = list[0]
  const type = textOf(first?.['type']) ?? textOf(properties['$exception_type'])
  const message = textOf(first?.['value']) ?? textOf(properties['$exception_message'])
  if (type !== undefined) columns.error_type = type
  if (message !== undefined) columns.error_message = message
  columns.log_message = titleOf(type, message) || '$exception'
  const stack = list.map(printException).join('\nCaused by: ')
  const raw = stack === '' ? textOf(properties['$exception_stack_trace_raw']) : stack
  if (raw !== undefined) columns.error_stack = raw
}

function titleOf(type: string | undefined, message: string | undefined): string {
  return type === undefined || message === undefined ? (type ?? message ?? '') : `${type}: ${message}`
}

function printException(exception: Json): string {
  const title = titleOf(textOf(exception['type']), textOf(exception['value']))
  const { stacktrace } = exception
  const frames = isObject(stacktrace) ? stacktrace['frames'] : undefined
  if (!Array.isArray(frames)) return title
  // Libraries list the oldest call first; engines print the newest first.
  const lines = (frames as unknown[]).filter(isObject).map(printFrame).reverse()
  return [title, ...lines].join('\n')
}

function printFrame(frame: Json): string {
  const name = textOf(frame['function']) ?? '<anonymous>'
  const file = textOf(frame['filename']) ?? textOf(frame['abs_path']) ?? textOf(frame['module']) ?? '<unknown>'
  const place = [frame['lineno'], frame['colno']].filter((part) => typeof part === 'number')
  return `    at ${name} (${[file, ...place].join(':')})`
}
