import { connect } from 'node:net'

interface RawResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** A TCP connection that speaks whatever a test wants, to see what a server makes of it. */
export interface RawConnection {
  write(data: string | Uint8Array): void
  /** The next whole response (Content-Length ones only). Rejects when the connection ends first. */
  response(): Promise<RawResponse>
  /** Resolves when the server has ended or cut the connection. */
  readonly closed: Promise<void>
  destroy(): void
}

export function openRaw(url: string): Promise<RawConnection> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname)
    let received = Buffer.alloc(0)
    let isClosed = false
    const waiting: { resolve(response: RawResponse): void; reject(error: Error): void }[] = []
    const serve = () => {
      while (waiting.length > 0) {
        const parsed = parse(received)
        if (parsed === undefined) break
        received = received.subarray(parsed.bytes)
        waiting.shift()?.resolve(parsed.response)
      }
      if (isClosed)
        for (const waiter of waiting.splice(0)) waiter.reject(new Error('the connection ended without a response'))
    }
    const closed = new Promise<void>((done) => {
      socket.on('close', () => {
        isClosed = true
        serve()
        done()
      })
    })
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      serve()
    })
    // A reset is one way for a server to close; `closed` tells.
    socket.on('error', reject)
    socket.on('connect', () =>
      resolve({
        write: (data) => void socket.write(data),
        response: () =>
          new Promise((resolve, reject) => {
            waiting.push({ resolve, reject })
            serve()
          }),
        closed,
        destroy: () => socket.destroy(),
      }),
    )
  })
}

function parse(bytes: Buffer): { response: RawResponse; bytes: number } | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const headers: Record<string, string> = {}
  for (const line of lines) {
    const colon = line.indexOf(':')
    headers[line.slice(0, colon).toLowerCase()] = line.slice(colon + 1).trim()
  }
  const length = Number(headers['content-length'] ?? 0)
  if (bytes.length < end + 4 + length) return undefined
  const body = bytes.subarray(end + 4, end + 4 + length).toString('utf8')
  return { response: { status: Number(first.split(' ')[1]), headers, body }, bytes: end + 4 + length }
}
