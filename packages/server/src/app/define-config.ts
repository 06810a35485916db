import type { ConfigInput } from './config-schema.ts'

/** For `millrace.config.ts`: `export default defineConfig({ … })` has types and completion. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}
