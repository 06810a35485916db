import { describe, expect, it } from 'vitest'
import { dedupConfig } from './config.ts'

describe('the configuration of dedup', () => {
  it('is 31 days and 4 GB when nothing is said', () => {
    expect(dedupConfig.parse({})).toEqual({ window: 31 * 86_400_000, maxBytes: 4e9 })
  })

  it('takes durations and sizes as people write them', () => {
    expect(dedupConfig.parse({ window: '36h', maxBytes: '500 MB' })).toEqual({ window: 36 * 3_600_000, maxBytes: 5e8 })
  })

  it('refuses unknown keys, a window below a minute and sizes that hold nothing', () => {
    for (const bad of [{ windows: '1d' }, { window: '10s' }, { maxBytes: 1000 }, { window: 'soon' }]) {
      expect(dedupConfig.safeParse(bad).success).toBe(false)
    }
  })
})
