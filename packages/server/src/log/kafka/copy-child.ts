import { Registry } from 'prom-client'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import type { Committed, Log, Membership } from '../log.ts'
import { createKafkaLog } from './create-kafka-log.ts'

/**
 * A worker for tests, in a process of its own: copies every record of `events` to `deadletters`, in one transaction with its
 * positions. Killed, stopped or cut off at any moment, the copy holds each record once.
 *
 *   node copy-child.ts ADDRESS PREFIX PARTITIONS NAME [SESSION_MS]
 */
const [address = '', topicPrefix = '', partitions = '', name = '', sessionMs = '2000'] = process.argv.slice(2)
const never = new AbortController().signal
const log: Log = createKafkaLog(
  {
    brokers: [address],
    topicPrefix,
    partitions: Number(partitions),
    retentionHours: 1,
    sessionMs: Number(sessionMs),
    transactionalId: () => `${topicPrefix}${name}`,
  },
  { clock: systemClock, logger: silentLogger, metrics: new Registry() },
)
process.on('disconnect', () => process.exit(1))
await log.start(never)
for (;;) {
  try {
    await serve()
  } catch (error) {
    process.send?.({ error: (error as { code?: string }).code ?? String(error) })
    await systemClock.sleep(50, never)
  }
}

async function serve(): Promise<void> {
  let busy: Promise<unknown> = Promise.resolve()
  const membership: Membership = await log.join(
    'copy',
    ['events'],
    async () => void (await busy.catch(() => {})),
    never,
  )
  process.send?.({ joined: membership.generation })
  try {
    for (;;) {
      for (const position of membership.owned()) {
        busy = copy(membership, position)
        await busy
      }
      await systemClock.sleep(5, never)
    }
  } finally {
    await membership.leave()
  }
}

async function copy(membership: Membership, position: Committed): Promise<void> {
  const records = await log.read(position, { bytes: 2000, waitMs: 5 }, never)
  const last = records.at(-1)
  if (last === undefined) return
  const { topic, partition } = position
  await log.append(
    records.map(({ value }) => ({ topic: 'deadletters', partition: 0, value })),
    { commit: { membership, positions: [{ topic, partition, offset: last.offset + 1 }], note: `at ${last.offset}` } },
    never,
  )
}
