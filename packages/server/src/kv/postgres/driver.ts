import type { Driver } from '../../core/driver.ts'
import type { State } from '../state.ts'
import { type PostgresStateConfig, postgresStateConfig } from './config.ts'
import { createPostgresState } from './create-postgres-state.ts'

export const postgresStateDriver: Driver<PostgresStateConfig, State> = {
  name: 'postgres',
  config: postgresStateConfig,
  create: ({ url, table }, deps) => createPostgresState({ url, table }, deps),
}
