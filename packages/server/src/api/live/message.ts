import type { JsonBytes } from './json-bytes.ts'
import type { Transport } from './outbox.ts'
import type { RecordView } from './record-view.ts'

/*
 * WebSocket, server to client (RFC 6455, 5.2), never masked, never compressed, never fragmented:
 *
 *   frame = %x81 length payload                      FIN, text
 *   length = 7 bits | 126 and 16 bits | 127 and 64 bits
 *
 * Server-sent events: [ "id: " cursor LF ] "data: " JSON LF LF      JSON has no line breaks of its own
 */

/** A message to any number of subscribers: made once, framed once for each way it is carried. */
export class Message {
  readonly #parts: readonly Uint8Array[]
  readonly #cursor: string
  #websocket: Uint8Array | undefined
  #sse: Uint8Array | undefined

  /** `parts` in a row are the JSON; `cursor` '' for what is no place in the stream. */
  constructor(parts: readonly Uint8Array[], cursor = '') {
    this.#parts = parts
    this.#cursor = cursor
  }

  framed(framing: Transport['framing']): Uint8Array {
    return framing === 'sse' ? (this.#sse ??= this.#asSse()) : (this.#websocket ??= this.#asWebSocket())
  }

  #asWebSocket(): Uint8Array {
    const length = this.#parts.reduce((sum, part) => sum + part.length, 0)
    const head = Buffer.allocUnsafe(length < 126 ? 2 : length < 65_536 ? 4 : 10)
    head[0] = 0x81
    if (length < 126) head[1] = length
    else if (length < 65_536) {
      head[1] = 126
      head.writeUInt16BE(length, 2)
    } else {
      head[1] = 127
      head.writeBigUInt64BE(BigInt(length), 2)
    }
    return Buffer.concat([head, ...this.#parts])
  }

  #asSse(): Uint8Array {
    const id = this.#cursor === '' ? '' : `id: ${this.#cursor}\n`
    return Buffer.concat([Buffer.from(`${id}data: `), ...this.#parts, endOfEvent])
  }
}

const endOfEvent = Buffer.from('\n\n')

/** A control message. */
export function control(value: Readonly<Record<string, unknown>>): Message {
  return new Message([Buffer.from(JSON.stringify(value))])
}

/** One event as it stands in the stream. */
export interface EventMessage {
  /** `{"type":"event",…}` */
  readonly json: Uint8Array
  readonly cursor: string
}

/** Cursor and topic are of letters that JSON takes as they are. */
export function eventMessage(cursor: string, view: RecordView, index: number, out: JsonBytes): EventMessage {
  out.reset()
  out.ascii(`{"type":"event","cursor":"${cursor}","topic":"${view.topic(index)}","event":`)
  view.write(index, out)
  out.ascii('}')
  return { json: out.take(), cursor }
}

const batchStart = Buffer.from('{"type":"batch","events":[')
const comma = Buffer.from(',')
const batchEnd = Buffer.from(']}')

/** One event as it is, several as a batch of the same. */
export function messageOf(events: readonly EventMessage[]): Message {
  const last = events.at(-1) as EventMessage
  if (events.length === 1) return new Message([last.json], last.cursor)
  const parts: Uint8Array[] = [batchStart]
  for (const { json } of events) {
    if (parts.length > 1) parts.push(comma)
    parts.push(json)
  }
  parts.push(batchEnd)
  return new Message(parts, last.cursor)
}
