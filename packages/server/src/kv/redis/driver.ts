import type { Driver } from '../../core/driver.ts'
import type { Cache } from '../cache.ts'
import { type RedisCacheConfig, redisCacheConfig } from './config.ts'
import { createRedisCache } from './create-redis-cache.ts'

export const redisCacheDriver: Driver<RedisCacheConfig, Cache> = {
  name: 'redis',
  config: redisCacheConfig,
  create: ({ url, prefix }, deps) => createRedisCache({ url, prefix }, deps),
}
