import type { LiveConfig } from './config.ts'
import type { Interest } from './interest.ts'
import { control, type Message } from './message.ts'
import { createOutbox, type SharedRoom, type Transport } from './outbox.ts'
import { createTokenBucket } from './token-bucket.ts'
import { errorsTopic } from './topic.ts'

/** Answers to a client's own messages may exceed the bound by so many; who asks on without reading is cut. */
const controlReserve = 50

/**
 * One reader of the stream, however it is connected. Events come numbered per project; what cannot be sent now is skipped, and the
 * first message afterwards is preceded by how many events went by unseen.
 */
export interface Subscriber {
  readonly id: string
  readonly project: string
  interest: Interest
  /** Number of the last event of the project that it has seen, or need not see: it came later. */
  since: number
  /** It has caught up: the hub hands it what goes by. */
  hasJoined: boolean
  /** Live: sent now, or skipped. `first`: the number of the message's first event. */
  offer(message: Message, first: number, now: number): void
  /** The events from `first` on go by. */
  skip(first: number): void
  /** All up to and with number `seen` was offered: tell the gap when there is room again. */
  settle(seen: number, now: number): void
  /** Refused events, which have no numbers: sent now, or counted and told as a gap of their topic. `count`: of them in the message. */
  offerErrors(message: Message, count: number, now: number): void
  /** Refused events that go by unseen. */
  missErrors(count: number): void
  /** Catching up: false when it must wait for `ready`; nothing is skipped. */
  send(message: Message, now: number): boolean
  /** Resolves when `send` is worth trying again, or it is closed. */
  ready(): Promise<void>
  /** A control message. False: it does not read its answers. */
  tell(value: Readonly<Record<string, unknown>>): boolean
  gap(missed: number): void
  isEmpty(): boolean
  hasRoom(): boolean
  isClosed(): boolean
  /** Nothing is sent any more. */
  close(): void
}

export interface SubscriberParts {
  readonly id: string
  readonly project: string
  readonly interest: Interest
  readonly transport: Transport
  readonly config: LiveConfig
  readonly shared: SharedRoom
  /** Counts for everybody together. */
  readonly counts: { messages: number; missed: number }
}

export function createSubscriber({
  id,
  project,
  interest,
  transport,
  config,
  shared,
  counts,
}: SubscriberParts): Subscriber {
  const outbox = createOutbox(transport, config, shared)
  const bucket = createTokenBucket(config.messagesPerSecond, config.messageBurst)
  let skippingFrom: number | undefined
  let missedErrors = 0
  let isPressed = false
  let isClosed = false

  const push = (message: Message) => {
    counts.messages++
    outbox.push(message.framed(transport.framing))
  }
  const startSkipping = (first: number) => {
    skippingFrom = first
    tellPressure()
  }
  const tellPressure = () => {
    if (isPressed || !outbox.isFull()) return
    isPressed = true
    push(control({ type: 'backpressure', pending: outbox.messages, limit: config.maxPendingMessages }))
  }
  const missErrors = (count: number) => {
    if (isClosed) return
    missedErrors += count
    if (missedErrors > count) return // it waits already
    tellPressure()
    void ready().then(tellMissedErrors)
  }
  const tellMissedErrors = () => {
    if (isClosed) return
    const missed = missedErrors
    missedErrors = 0
    if (skippingFrom === undefined) isPressed = false
    counts.missed += missed
    push(control({ type: 'gap', topic: errorsTopic, missed }))
  }
  const ready = async () => {
    await outbox.room()
    while (!isClosed && !bucket.has(performance.now())) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const tellGap = (missed: number) => {
    skippingFrom = undefined
    isPressed = false
    if (missed <= 0) return
    counts.missed += missed
    push(control({ type: 'gap', missed }))
  }
  const canGoOn = (now: number) => outbox.hasRoom() && bucket.has(now)

  return {
    id,
    project,
    interest,
    since: 0,
    hasJoined: false,
    offer(message, first, now) {
      if (isClosed) return
      if (skippingFrom !== undefined) {
        if (!canGoOn(now)) return
        tellGap(first - skippingFrom)
      }
      if (outbox.isFull() || !bucket.take(now)) startSkipping(first)
      else push(message)
    },
    skip(first) {
      if (skippingFrom === undefined && !isClosed) startSkipping(first)
    },
    settle(seen, now) {
      if (isClosed || skippingFrom === undefined || !canGoOn(now)) return
      tellGap(seen + 1 - skippingFrom)
    },
    send(message, now) {
      if (isClosed || outbox.isFull() || !bucket.take(now)) return false
      push(message)
      return true
    },
    offerErrors(message, count, now) {
      if (isClosed) return
      if (missedErrors > 0 || outbox.isFull() || !bucket.take(now)) missErrors(count)
      else push(message)
    },
    missErrors,
    ready,
    tell(value) {
      if (isClosed) return true
      if (outbox.messages >= config.maxPendingMessages + controlReserve || outbox.bytes > 2 * config.maxPendingBytes)
        return false
      push(control(value))
      return true
    },
    gap: tellGap,
    isEmpty: () => outbox.isEmpty(),
    hasRoom: () => outbox.hasRoom(),
    isClosed: () => isClosed,
    close() {
      isClosed = true
      outbox.close()
    },
  }
}
