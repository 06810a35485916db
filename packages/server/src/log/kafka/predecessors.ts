import type { Logger } from '../../core/deps.ts'
import type { Cluster } from './cluster.ts'

const askMs = 10_000

/**
 * Takes leave of the group for members of our own name that crashed, so that their partitions are free now and not when the session's
 * time is over. One that lives after all learns that it is no member any more, and can commit nothing.
 */
export async function dismissPredecessors(
  cluster: Cluster,
  group: string,
  name: string,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  try {
    await cluster.persist(`look at the members of group ${group}`, askMs, signal, async () => {
      const { groups } = await cluster.call({ group }, 'describeGroups', [[group], false], { signal })
      const gone = (groups[0]?.members ?? [])
        .filter(({ clientId }) => clientId === name)
        .map(({ memberId }) => ({ memberId }))
      if (gone.length > 0) await cluster.call({ group }, 'leaveGroup', [group, gone], { signal })
    })
  } catch (error) {
    // Then it takes as long as it takes without us.
    signal.throwIfAborted()
    logger.debug({ err: error, group }, 'Kafka: could not look for crashed members of the group')
  }
}
