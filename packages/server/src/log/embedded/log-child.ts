import { Registry } from 'prom-client'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import type { Membership, NewRecord, Position, Topic } from '../log.ts'
import { createEmbeddedLog } from './create-embedded-log.ts'

/**
 * A process of its own with the embedded log open, for the driver tests; told by messages what to do.
 * Arguments: directory, partitions, lease in ms.
 */
export type ChildCommand =
  | {
      readonly do: 'append'
      readonly records: readonly { readonly topic: Topic; readonly partition: number; readonly value: string }[]
    }
  | { readonly do: 'join'; readonly group: string; readonly topics: readonly Topic[] }
  | { readonly do: 'commit'; readonly positions: readonly Position[]; readonly note?: string }
  | { readonly do: 'owned' }
  /** Appends three records over two topics again and again, and tells of each that was acknowledged. */
  | { readonly do: 'storm'; readonly valueBytes: number }
  | { readonly do: 'stop' }

const [dir = '', partitions = '1', leaseMs = '10000'] = process.argv.slice(2)
const never = new AbortController().signal
const log = createEmbeddedLog(
  { dir, partitions: Number(partitions), leaseMs: Number(leaseMs) },
  { clock: systemClock, logger: silentLogger, metrics: new Registry() },
)
let membership: Membership | undefined

function member(): Membership {
  if (membership === undefined) throw new Error('join first')
  return membership
}

async function obey(command: ChildCommand): Promise<unknown> {
  switch (command.do) {
    case 'append':
      return log.append(
        command.records.map(({ value, ...place }): NewRecord => ({ ...place, value: Buffer.from(value) })),
        {},
        never,
      )
    case 'join':
      membership = await log.join(command.group, command.topics, async () => {}, never)
      return membership.owned()
    case 'commit':
      return log.commit(member(), command.positions, command.note)
    case 'owned':
      return member().owned()
    case 'stop':
      return log.stop()
    case 'storm':
      for (let i = 0; ; i++) {
        const value = Buffer.alloc(command.valueBytes, i & 0xff)
        value.writeUInt32LE(i)
        await log.append(
          [
            { topic: 'events', partition: 0, value },
            { topic: 'events', partition: 0, value },
            { topic: 'outcomes', partition: 0, value },
          ],
          {},
          never,
        )
        process.send?.({ acknowledged: i })
      }
  }
}

await log.start(never)
process.on('message', (message: { readonly id: number; readonly command: ChildCommand }) => {
  obey(message.command).then(
    (result) => process.send?.({ id: message.id, result }),
    (error: unknown) => process.send?.({ id: message.id, error: (error as { code?: string }).code ?? String(error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ ready: true })
