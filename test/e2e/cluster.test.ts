import { describe, expect, it } from 'vitest'
import { runCluster } from '../../chaos/cluster.ts'
import { clusterMissing } from '../../chaos/options.ts'

const missing = clusterMissing()

describe.skipIf(missing !== undefined)(
  `three collectors and two workers on Kafka, Redis, PostgreSQL and ClickHouse${missing === undefined ? '' : ` (SKIPPED: ${missing})`}`,
  () => {
    it('lose nothing and balance while everything is killed and stopped, and store no more twice than they admit', async () => {
      const result = await runCluster({ minutes: 0.2, seed: 3, writers: 6 })
      expect(result.broken).toEqual([])
      expect(result.lost).toBe(0)
      expect(result.twice).toBeLessThanOrEqual(result.failOpen!)
      expect(result.kills).toBeGreaterThan(0)
      expect(result.acked).toBeGreaterThan(1000)
    })
  },
)
