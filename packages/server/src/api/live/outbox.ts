/** What carries bytes to one subscriber. */
export interface Transport {
  /** How messages are wrapped for it. */
  readonly framing: 'websocket' | 'sse'
  /** Takes the bytes, and answers false when it wants no more until `onDrain`. */
  write(bytes: Uint8Array): boolean
  /** Set by the outbox. */
  onDrain: () => void
}

export interface OutboxLimits {
  readonly maxPendingMessages: number
  readonly maxPendingBytes: number
}

/** Bytes that wait in all outboxes of the process. */
export interface SharedRoom {
  pending: number
  readonly limit: number
}

/**
 * Messages on their way to one subscriber: at most so many, and so many bytes. Who fills it decides what happens when it is full;
 * nothing here waits or throws.
 */
export interface Outbox {
  readonly messages: number
  readonly bytes: number
  isFull(): boolean
  /** Enough has left that filling it again makes sense. */
  hasRoom(): boolean
  push(bytes: Uint8Array): void
  /** Resolves when `hasRoom` or closed. */
  room(): Promise<void>
  isEmpty(): boolean
  /** Forgets what waits; nothing is sent any more. */
  close(): void
}

export function createOutbox(transport: Transport, limits: OutboxLimits, shared: SharedRoom): Outbox {
  let queue: Uint8Array[] = []
  let head = 0
  let bytes = 0
  let isBlocked = false
  let isClosed = false
  let waiting: (() => void)[] = []

  const count = () => queue.length - head
  const hasRoom = () =>
    count() <= limits.maxPendingMessages / 2 &&
    bytes <= limits.maxPendingBytes / 2 &&
    (bytes === 0 || shared.pending < shared.limit)
  const wake = () => {
    if (waiting.length === 0 || !(isClosed || hasRoom())) return
    const woken = waiting
    waiting = []
    for (const resolve of woken) resolve()
  }
  const pump = () => {
    while (!isBlocked && head < queue.length) {
      const next = queue[head] as Uint8Array
      head++
      bytes -= next.length
      shared.pending -= next.length
      isBlocked = !transport.write(next)
    }
    if (head === queue.length) {
      queue = []
      head = 0
    } else if (head > 1000) {
      queue = queue.slice(head)
      head = 0
    }
    wake()
  }
  transport.onDrain = () => {
    isBlocked = false
    pump()
  }
  return {
    get messages() {
      return count()
    },
    get bytes() {
      return bytes
    },
    // One message always has its place, however large: else it could never be sent.
    isFull: () =>
      count() > 0 &&
      (count() >= limits.maxPendingMessages || bytes >= limits.maxPendingBytes || shared.pending >= shared.limit),
    hasRoom,
    push(message) {
      if (isClosed) return
      if (!isBlocked && head === queue.length) {
        isBlocked = !transport.write(message)
        return
      }
      queue.push(message)
      bytes += message.length
      shared.pending += message.length
    },
    room: () => (isClosed || hasRoom() ? Promise.resolve() : new Promise((resolve) => waiting.push(resolve))),
    isEmpty: () => head === queue.length && !isBlocked,
    close() {
      if (isClosed) return
      isClosed = true
      shared.pending -= bytes
      bytes = 0
      queue = []
      head = 0
      wake()
    },
  }
}
