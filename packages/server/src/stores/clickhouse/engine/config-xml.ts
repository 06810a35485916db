import type { EngineOptions } from './options.ts'

/**
 * The engine's config.xml. Beside safety (explicit paths, one listener on loopback, no discovery of other config) it keeps an
 * idle engine small: caches that fit a laptop, few background threads, and none of the system's own log tables.
 */
export function configXml(options: EngineOptions, path: string): string {
  const cache = Math.round(Math.min(options.memoryBytes / 16, 256e6))
  return `<clickhouse>
  <logger><level>none</level></logger>
  <users_config>users.xml</users_config>
  <path>${escapeXml(path)}/</path>
  <listen_host>127.0.0.1</listen_host>
  <max_server_memory_usage>${Math.round(options.memoryBytes)}</max_server_memory_usage>
  <mark_cache_size>${cache}</mark_cache_size>
  <index_mark_cache_size>${Math.round(cache / 4)}</index_mark_cache_size>
  <primary_index_cache_size>${Math.round(cache / 4)}</primary_index_cache_size>
  <uncompressed_cache_size>0</uncompressed_cache_size>
  <background_pool_size>2</background_pool_size>
  <background_schedule_pool_size>2</background_schedule_pool_size>
  <max_concurrent_queries>64</max_concurrent_queries>
  <keep_alive_timeout>30</keep_alive_timeout>
  <access_control_improvements>
    <select_from_system_db_requires_grant>true</select_from_system_db_requires_grant>
    <select_from_information_schema_requires_grant>true</select_from_information_schema_requires_grant>
    <users_without_row_policies_can_read_rows>false</users_without_row_policies_can_read_rows>
  </access_control_improvements>
</clickhouse>
`
}

export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
