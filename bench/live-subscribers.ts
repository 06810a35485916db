/**
 * Subscribers, in a process of their own so that their CPU is counted apart:
 *   node bench/live-subscribers.ts <api> <count> <own|all>
 * `own`: each sees the events of one actor; `all`: each sees everything. Says `ready`, and after a line on stdin prints one JSON line.
 */
import { once } from 'node:events'
import { WebSocket } from 'ws'

const [api = '', count = '0', kind = 'own'] = process.argv.slice(2)
const wallClock = () => performance.timeOrigin + performance.now()

/** Batch and time of arrival, in turn; at most so many are kept, evenly over the subscribers. */
const samples: number[] = []
const maxSamples = 400_000
let events = 0
let messages = 0
let missed = 0

const sockets: WebSocket[] = []
for (let at = 0; at < Number(count); at++) {
  const query = kind === 'own' ? `?filter=${encodeURIComponent(`actor_id=u${at}`)}` : ''
  const webSocket = new WebSocket(`${api.replace(/^http/, 'ws')}/api/v1/live${query}`, { perMessageDeflate: false })
  webSocket.on('message', (data: Buffer) => {
    const now = wallClock()
    messages++
    if (kind === 'all' && at > 0) {
      // Parsing everything a thousand times would measure the parser.
      let from = 0
      for (;;) {
        from = data.indexOf('"type":"event"', from + 1)
        if (from < 0) break
        events++
      }
      if (data.includes('"type":"gap"')) missed++
      return
    }
    const message = JSON.parse(data.toString('utf8')) as {
      type: string
      missed?: number
      event?: { correlation_id: string }
      events?: { event: { correlation_id: string } }[]
    }
    if (message.type === 'gap') missed += message.missed ?? 0
    const list = message.events ?? (message.event === undefined ? [] : [{ event: message.event }])
    for (const { event } of list) {
      events++
      if (samples.length < maxSamples) samples.push(Number(event.correlation_id), now)
    }
  })
  sockets.push(webSocket)
  await once(webSocket, 'open')
}
process.stdout.write('ready\n')
const before = process.cpuUsage()
await once(process.stdin, 'data')
const cpu = process.cpuUsage(before)
const report = JSON.stringify({ events, messages, missed, cpuSeconds: (cpu.user + cpu.system) / 1e6, samples })
for (const webSocket of sockets) webSocket.terminate()
process.stdout.write(`${report}\n`, () => process.exit(0))
