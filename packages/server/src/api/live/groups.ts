import type { Interest } from './interest.ts'
import { type EventMessage, messageOf } from './message.ts'
import type { RecordView } from './record-view.ts'
import type { Subscriber } from './subscriber.ts'

/** Everybody who wants exactly the same: what they get is chosen, joined and framed once. */
export interface Group {
  readonly project: Project
  readonly interest: Interest
  readonly members: Set<Subscriber>
  /** Waiting for the next flush, with their numbers. */
  events: EventMessage[]
  numbers: number[]
}

export interface Project {
  readonly name: string
  /** Number of the last event that went by; they count from 1 since somebody of the project first listened. */
  seen: number
  readonly groups: Map<string, Group>
  /** Which groups want a topic at all; a project has few topics, and each is looked up for every event of it. */
  readonly byTopic: Map<string, Wanting>
}

/** Groups that want a topic: those that may want any event of it, and those that want only one text of a column. */
interface Wanting {
  readonly any: Set<Group>
  readonly byText: Map<number, Map<string, Set<Group>>>
}

const maxTopicsKept = 10_000

export interface Groups {
  project(name: string): Project | undefined
  join(subscriber: Subscriber): void
  /** Also when it never joined. Returns what it was still to get. */
  leave(subscriber: Subscriber): { readonly events: readonly EventMessage[]; readonly first: number } | undefined
  wanting(project: Project, view: RecordView, index: number, topic: string): readonly Group[]
  /** Of those that have joined. */
  subscribers(): IterableIterator<Subscriber>
  projects(): IterableIterator<Project>
}

export function createGroups(): Groups {
  const projects = new Map<string, Project>()
  const places = new Map<Subscriber, Group>()

  return {
    project: (name) => projects.get(name),
    join(subscriber) {
      let project = projects.get(subscriber.project)
      if (project === undefined) {
        project = { name: subscriber.project, seen: 0, groups: new Map(), byTopic: new Map() }
        projects.set(subscriber.project, project)
      }
      const { interest } = subscriber
      let group = project.groups.get(interest.key)
      if (group === undefined) {
        group = { project, interest, members: new Set(), events: [], numbers: [] }
        project.groups.set(interest.key, group)
        for (const [topic, wanting] of project.byTopic) if (interest.wantsTopic(topic)) place(wanting, group)
      }
      subscriber.since = project.seen
      subscriber.hasJoined = true
      group.members.add(subscriber)
      places.set(subscriber, group)
    },
    leave(subscriber) {
      const group = places.get(subscriber)
      if (group === undefined) return undefined
      places.delete(subscriber)
      subscriber.hasJoined = false
      group.members.delete(subscriber)
      const { project } = group
      if (group.members.size === 0) {
        project.groups.delete(group.interest.key)
        for (const wanting of project.byTopic.values()) displace(wanting, group)
        if (project.groups.size === 0) projects.delete(project.name)
      }
      const from = group.numbers.findIndex((number) => number > subscriber.since)
      if (from < 0) return undefined
      return { events: group.events.slice(from), first: group.numbers[from] as number }
    },
    wanting(project, view, index, topic) {
      let wanting = project.byTopic.get(topic)
      if (wanting === undefined) {
        wanting = { any: new Set(), byText: new Map() }
        for (const group of project.groups.values()) if (group.interest.wantsTopic(topic)) place(wanting, group)
        if (project.byTopic.size >= maxTopicsKept) project.byTopic.clear()
        project.byTopic.set(topic, wanting)
      }
      const found: Group[] = []
      for (const group of wanting.any) if (group.interest.passes(view, index)) found.push(group)
      for (const [column, groups] of wanting.byText) {
        const text = view.row(index).text(column)
        const candidates = text === undefined ? undefined : groups.get(text)
        if (candidates === undefined) continue
        for (const group of candidates) if (group.interest.passes(view, index)) found.push(group)
      }
      return found
    },
    subscribers: () => places.keys(),
    projects: () => projects.values(),
  }
}

function place({ any, byText }: Wanting, group: Group): void {
  const { only } = group.interest
  if (only === undefined) {
    any.add(group)
    return
  }
  let texts = byText.get(only.column)
  if (texts === undefined) byText.set(only.column, (texts = new Map()))
  const groups = texts.get(only.text)
  if (groups === undefined) texts.set(only.text, new Set([group]))
  else groups.add(group)
}

function displace({ any, byText }: Wanting, group: Group): void {
  const { only } = group.interest
  if (only === undefined) {
    any.delete(group)
    return
  }
  const texts = byText.get(only.column)
  const groups = texts?.get(only.text)
  if (texts === undefined || groups === undefined) return
  groups.delete(group)
  if (groups.size > 0) return
  texts.delete(only.text)
  if (texts.size === 0) byText.delete(only.column)
}

/** So many messages are written before others get a turn. */
const writesPerTurn = 1000
/** A batch is cut here even when it could hold more events: several fit into an outbox. */
export const maxBatchBytes = 256 * 1024

/** Sends what waits in a group to its members of this moment. */
export async function flushGroup(group: Group, maxBatchSize: number): Promise<void> {
  const { events, numbers } = group
  if (events.length === 0) return
  group.events = []
  group.numbers = []
  const members = [...group.members]
  let writes = 0
  for (let from = 0; from < events.length; ) {
    const to = endOfBatch(events, from, maxBatchSize)
    const message = messageOf(events.slice(from, to))
    const first = numbers[from] as number
    const last = numbers[to - 1] as number
    const now = performance.now()
    for (const member of members) {
      if (member.since < first) member.offer(message, first, now)
      else if (member.since < last) {
        // It came while these were waiting: it has had a part of them already.
        const own = numbers.findIndex((number) => number > member.since)
        member.offer(messageOf(events.slice(own, to)), numbers[own] as number, now)
      }
      if (++writes % writesPerTurn === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    from = to
  }
}

function endOfBatch(events: readonly EventMessage[], from: number, maxBatchSize: number): number {
  let bytes = 0
  let to = from
  while (to < events.length && to - from < maxBatchSize) {
    bytes += (events[to] as EventMessage).json.length
    if (to > from && bytes > maxBatchBytes) break
    to++
  }
  return to
}
