import { type Column, columns, eventTypes } from '@millrace/protocol'
import { type GateBatch, quarantine } from './gate-batch.ts'
import { kindOf } from './ids.ts'

/** What the tables' DateTime64(3) can hold: the years 1900 to 2299. */
const firstTime = -2_208_988_800_000
const lastTime = 10_413_791_999_999
const maxIssues = 20
/** A pointer of a decoder holds the names of keys, which may be long. */
const maxIssueLength = 300

/** Ours alone: what a client says of them is left out, so that an exported event can be sent again. */
const oursAlone = (column: Column): boolean =>
  column.carrier !== 'event' ||
  column.part === 'graph' ||
  column.name === 'expires_at' ||
  column.name === 'is_duplicate'

type Rule = Column['kind'] | 'ours'
const rules: ReadonlyMap<string, Rule> = new Map(
  columns.map((column) => [column.name, oursAlone(column) ? 'ours' : column.kind]),
)
const types: ReadonlySet<string> = new Set(eventTypes)

/** The four core fields are there, every column holds its own type, and the decoder had nothing to complain of. */
export function validate(batch: GateBatch, from = 0, to = batch.events.length): void {
  const { events, rejections, raw, ids } = batch
  for (let i = from; i < to; i++) {
    if (rejections[i] !== undefined) continue
    const event = events[i] as Record<string, unknown>
    event['id'] = ids[i]
    event['ns'] ??= raw.project
    const issues = findIssues(event, raw.events[i]?.issues)
    if (issues !== undefined) quarantine(batch, i, 'schema', issues.slice(0, maxIssues).map(cut))
  }
}

function findIssues(event: Record<string, unknown>, decoded: readonly string[] | undefined): string[] | undefined {
  let issues = decoded === undefined || decoded.length === 0 ? undefined : [...new Set(decoded)]
  // What the decoder has refused is missing here for that reason, whatever its dialect calls it: said once.
  if (issues === undefined) {
    if (event['event_type'] == null || event['event_type'] === '')
      issues = add(issues, '/event_type: missing; one of the ten event types is needed')
    if (event['event_name'] == null || event['event_name'] === '') issues = add(issues, '/event_name: missing or empty')
  }
  const type = event['event_type']
  if (type != null && type !== '' && !types.has(type as string))
    issues = addOnce(issues, 'event_type', `not one of ${eventTypes.join(', ')}`)
  if (event['ns'] === '') issues = addOnce(issues, 'ns', 'empty')
  for (const name in event) {
    const value = event[name]
    if (value === undefined) continue
    const rule = rules.get(name)
    if (rule === 'ours' || (value === null && rule !== undefined)) {
      event[name] = undefined
      continue
    }
    const issue = rule === undefined ? 'no such column' : check(rule, event, name, value)
    if (issue !== undefined) issues = addOnce(issues, pointer(name), issue)
  }
  return issues
}

/** Undefined when the value is of its kind. Values that mean the same in another type are changed in place. */
function check(
  rule: Exclude<Rule, 'ours'>,
  event: Record<string, unknown>,
  name: string,
  value: unknown,
): string | undefined {
  switch (rule) {
    case 'string':
    case 'enum':
      return typeof value === 'string' ? undefined : `must be a string, not ${kindOf(value)}`
    case 'number':
      if (typeof value === 'number') return Number.isFinite(value) ? undefined : 'must be a finite number'
      return `must be a number, not ${kindOf(value)}`
    case 'boolean':
      return typeof value === 'boolean' ? undefined : `must be true or false, not ${kindOf(value)}`
    case 'bigint':
      if (Number.isSafeInteger(value)) event[name] = BigInt(value as number)
      else if (typeof value !== 'bigint') return `must be a whole number, not ${kindOf(value)}`
      else if (BigInt.asIntN(64, value) !== value) return 'must fit into 64 bits with a sign'
      return undefined
    case 'timestamp':
      if (typeof value !== 'number') return `must be a time, not ${kindOf(value)}`
      if (!(value >= firstTime && value <= lastTime)) return 'must be a time of the years 1900 to 2299'
      if (!Number.isInteger(value)) event[name] = Math.floor(value)
      return undefined
    case 'json':
      return isObject(value) ? undefined : `must be an object, not ${kindOf(value)}`
    case 'jsonText':
      return typeof value === 'function' || typeof value === 'symbol' ? 'must be JSON' : undefined
    case 'bytes':
      return value instanceof Uint8Array ? undefined : `must be bytes, not ${kindOf(value)}`
    default:
      return rule satisfies never
  }
}

/** One issue per column: the first says it. */
function addOnce(issues: string[] | undefined, name: string, issue: string): string[] {
  const prefix = `/${name}: `
  return issues?.some((each) => each.startsWith(prefix)) === true ? issues : add(issues, prefix + issue)
}

function add(issues: string[] | undefined, issue: string): string[] {
  if (issues === undefined) return [issue]
  issues.push(issue)
  return issues
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
}

/** Of the event as a whole the pointer is `/`, whoever says it. */
function cut(said: string): string {
  const issue = said.startsWith(': ') ? `/${said}` : said
  return issue.length <= maxIssueLength ? issue : `${issue.slice(0, maxIssueLength)}…`
}

/** RFC 6901, and no longer than a name is. */
function pointer(name: string): string {
  return name.slice(0, 64).replaceAll('~', '~0').replaceAll('/', '~1')
}
