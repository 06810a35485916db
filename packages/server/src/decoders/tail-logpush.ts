import { isObject, setKey } from './issues.ts'

type Json = Readonly<Record<string, unknown>>

/** A line of Logpush's data set `workers_trace_events`: the same invocation under other names. */
export function isLogpush(item: Json): boolean {
  return 'EventTimestampMs' in item || 'ScriptName' in item || 'EventType' in item
}

/** As `tail()` would have got it. Fields that Logpush has alone keep their names. */
export function fromLogpush(line: Json): Record<string, unknown> {
  const item = renamed(line, itemNames)
  if (isObject(item['scriptVersion'])) item['scriptVersion'] = renamed(item['scriptVersion'], versionNames)
  for (const list of ['logs', 'exceptions']) {
    const entries = item[list]
    if (Array.isArray(entries)) {
      item[list] = entries.map((entry: unknown) => (isObject(entry) ? renamed(entry, entryNames) : entry))
    }
  }
  const type = line['EventType']
  const event = item['event']
  if (isObject(event)) {
    const renamedEvent = renamed(event, eventNames)
    for (const part of ['request', 'response']) {
      const value = renamedEvent[part]
      if (isObject(value)) renamedEvent[part] = renamed(value, requestNames)
    }
    item['event'] = renamedEvent
  }
  if (typeof type === 'string' && type !== '' && (isObject(item['event']) || item['event'] == null)) {
    item['event'] = { ...(item['event'] as Json | undefined), type }
    delete item['EventType']
  }
  return item
}

function renamed(object: Json, names: ReadonlyMap<string, string>): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  for (const key in object) setKey(result, names.get(key) ?? key, object[key])
  return result
}

const itemNames: ReadonlyMap<string, string> = new Map([
  ['EventTimestampMs', 'eventTimestamp'],
  ['ScriptName', 'scriptName'],
  ['ScriptVersion', 'scriptVersion'],
  ['ScriptTags', 'scriptTags'],
  ['DispatchNamespace', 'dispatchNamespace'],
  ['Entrypoint', 'entrypoint'],
  ['Outcome', 'outcome'],
  ['Event', 'event'],
  ['Logs', 'logs'],
  ['Exceptions', 'exceptions'],
  ['CPUTimeMs', 'cpuTime'],
  ['WallTimeMs', 'wallTime'],
])
const versionNames: ReadonlyMap<string, string> = new Map([
  ['ID', 'id'],
  ['Id', 'id'],
  ['Tag', 'tag'],
  ['Message', 'message'],
])
const entryNames: ReadonlyMap<string, string> = new Map([
  ['Level', 'level'],
  ['Message', 'message'],
  ['Name', 'name'],
  ['Stack', 'stack'],
  ['TimestampMs', 'timestamp'],
])
const eventNames: ReadonlyMap<string, string> = new Map([
  ['Request', 'request'],
  ['Response', 'response'],
  ['RayID', 'rayId'],
  ['Cron', 'cron'],
  ['ScheduledTimeMs', 'scheduledTime'],
  ['ScheduledTime', 'scheduledTime'],
  ['Queue', 'queue'],
  ['QueueName', 'queue'],
  ['BatchSize', 'batchSize'],
  ['RPCMethod', 'rpcMethod'],
])
const requestNames: ReadonlyMap<string, string> = new Map([
  ['URL', 'url'],
  ['Method', 'method'],
  ['Headers', 'headers'],
  ['CF', 'cf'],
  ['Cf', 'cf'],
  ['Status', 'status'],
])
