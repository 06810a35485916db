import { createHash, randomBytes } from 'node:crypto'
import { askGrants, filteredTables } from '../../schema/access.ts'
import { escapeXml } from './config-xml.ts'
import { databaseName, type EngineOptions } from './options.ts'
import type { Login } from './run-file.ts'

export interface EngineUsers {
  readonly xml: string
  readonly service: Login
  readonly asking: Readonly<Record<string, Login>>
}

/**
 * The engine's users.xml, with passwords made anew, of which it holds only hashes:
 * - `default`: the engine's own start-up logs in as it, without a password and only from this machine; it may
 *   listen and read `system.numbers`, which is all that the start takes
 * - `millrace`: us
 * - `ask_<n>`, one per project: what people ask. Read-only, so that no setting can be changed; limited; sees only its project.
 */
export function engineUsers(options: EngineOptions): EngineUsers {
  const service = newLogin('millrace')
  const asking: Record<string, Login> = {}
  const projects = [...new Set(options.projects)].map((project, index) => {
    const login = newLogin(`ask_${index}`)
    asking[project] = login
    return askUser(login, project)
  })
  const xml = `<clickhouse>
  <profiles>
    <default/>
    <launcher><max_threads>1</max_threads><max_memory_usage>50000000</max_memory_usage></launcher>
    <service/>
    <ask>
${Object.entries(askSettings(options))
  .map(([name, value]) => `      <${name}>${value}</${name}>`)
  .join('\n')}
    </ask>
  </profiles>
  <quotas><default/></quotas>
  <users>
    <default>
      <password/><networks><ip>127.0.0.1</ip></networks><profile>launcher</profile><quota>default</quota>
      <grants><query>GRANT SYSTEM LISTEN ON *.*</query><query>GRANT SELECT ON system.numbers</query></grants>
    </default>
    <${service.user}>
      ${secret(service)}<networks><ip>127.0.0.1</ip></networks><profile>service</profile><quota>default</quota>
    </${service.user}>
${projects.join('\n')}
  </users>
</clickhouse>
`
  return { xml, service, asking }
}

/** Also what a user of a server by URL must have; see `cage/probe.ts`. */
export function askSettings(options: Pick<EngineOptions, 'ask'>): Readonly<Record<string, string | number>> {
  const { seconds, memoryBytes, rows } = options.ask
  return {
    readonly: 1,
    max_execution_time: seconds,
    timeout_overflow_mode: 'throw',
    max_memory_usage: Math.round(memoryBytes),
    max_memory_usage_for_user: Math.round(memoryBytes * 2),
    // Else a query at its limit waits seconds for others to end.
    memory_usage_overcommit_max_wait_microseconds: 0,
    max_temporary_data_on_disk_size_for_query: Math.round(memoryBytes * 2),
    max_result_rows: rows,
    max_result_bytes: Math.round(memoryBytes / 2),
    result_overflow_mode: 'throw',
    max_threads: 2,
    max_concurrent_queries_for_user: 16,
    max_recursive_cte_evaluation_depth: 1000,
    cancel_http_readonly_queries_on_client_close: 1,
    allow_introspection_functions: 0,
    allow_experimental_ai_functions: 0,
    allow_get_client_http_header: 0,
    allow_ddl: 0,
    // Ours to do, by column: within JSON columns numbers stay numbers.
    output_format_json_quote_64bit_integers: 0,
    date_time_output_format: 'iso',
    log_queries: 0,
  }
}

function askUser(login: Login, project: string): string {
  const filter = escapeXml(`project = ${quoteSql(project)}`)
  return `    <${login.user}>
      ${secret(login)}<networks><ip>127.0.0.1</ip></networks><profile>ask</profile><quota>default</quota>
      <default_database>${databaseName}</default_database>
      <grants>${askGrants(databaseName)
        .map((grant) => `<query>${escapeXml(grant)}</query>`)
        .join('')}</grants>
      <databases><${databaseName}>${filteredTables.map((table) => `<${table}><filter>${filter}</filter></${table}>`).join('')}</${databaseName}></databases>
    </${login.user}>`
}

/** Bytes that mean something to SQL become escapes; the rest stays. */
export function quoteSql(text: string): string {
  return `'${text.replace(/[\\']/g, (character) => `\\${character}`)}'`
}

function newLogin(user: string): Login {
  return { user, password: randomBytes(24).toString('base64url') }
}

function secret({ password }: Login): string {
  return `<password_sha256_hex>${createHash('sha256').update(password).digest('hex')}</password_sha256_hex>`
}
