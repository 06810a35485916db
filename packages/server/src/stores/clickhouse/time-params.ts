/**
 * Times in parameters, for `{from:DateTime64(3)}` and its kin: RFC 3339, as everywhere here, becomes Unix seconds, which ClickHouse
 * reads without a time zone of its own. Whatever is no such time stays as it is. This reads the query only to see which parameters
 * are times: what may be asked is judged by the engine's own syntax tree.
 */
export function withTimes(sql: string, params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const changed: Record<string, unknown> = {}
  for (const [, name = ''] of sql.matchAll(placeholder))
    if (Object.hasOwn(params, name)) changed[name] = timesOf(params[name])
  return { ...params, ...changed }
}

const placeholder = /\{\s*(\w+)\s*:[^{}]*\bDateTime(?:64)?\b[^{}]*\}/g
const rfc3339 = /^(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/i

function timesOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(timesOf)
  if (typeof value !== 'string') return value
  const [, second = '', fraction = '', zone = ''] = rfc3339.exec(value) ?? []
  if (second === '') return value
  const ms = Date.parse(second.replace(' ', 'T') + zone.toUpperCase())
  if (Number.isNaN(ms)) return value
  // Before 1970, seconds would be negative, which the engine does not read here: a civil time in UTC, which is our tables' zone.
  if (ms < 0) return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')}${fraction}`
  return `${String(ms / 1000).padStart(10, '0')}${fraction}`
}
