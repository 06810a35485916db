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
  byTopic: Map<string, readonly Group[]>
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
        project.byTopic = new Map()
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
        project.byTopic = new Map()
        if (project.groups.size === 0) projects.delete(project.name)
      }
      const from = group.numbers.findIndex((number) => number > subscriber.since)
      if (from < 0) return undefined
      return { events: group.events.slice(from), first: group.numbers[from] as number }
    },
    wanting(project, view, index, topic) {
      let groups = project.byTopic.get(topic)
      if (groups === undefined) {
        groups = [...project.groups.values()].filter(({ interest }) => interest.wantsTopic(topic))
        if (project.byTopic.size >= maxTopicsKept) project.byTopic.clear()
        project.byTopic.set(topic, groups)
      }
      return groups.length === 0 ? groups : groups.filter(({ interest }) => interest.passes(view, index))
    },
    subscribers: () => places.keys(),
    projects: () => projects.values(),
  }
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
