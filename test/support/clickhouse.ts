import { type ChildProcess, spawn } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { askSettings } from '../../packages/server/src/stores/clickhouse/engine/users-xml.ts'
import { askGrants, filteredTables } from '../../packages/server/src/stores/schema/access.ts'
import { freePort } from './instance.ts'

/** Somebody's ClickHouse server: reached by URL, with users and passwords of their making. */
export interface ClickHouseServer {
  readonly url: string
  readonly tcpPort: number
  readonly user: 'millrace'
  readonly password: 'pass word & <secret>'
  start(): Promise<void>
  /** As a crash; `start` brings it back on the same ports with its data. */
  kill9(): Promise<void>
  signal(signal: NodeJS.Signals): void
  pid(): number
  /** Takes effect with the next start. */
  setUsers(users: readonly string[]): void
  /** As `millrace`, past any pipeline. */
  sql<Row = Record<string, unknown>>(query: string): Promise<readonly Row[]>
  /** Stops it and removes its data. */
  dispose(): Promise<void>
}

export interface ClickHouseServerOptions {
  /** Further users, in users.xml's form: `user`, `askingUser`. */
  readonly users?: readonly string[]
  /** Further configuration, such as `remote_servers`. */
  readonly config?: string
  readonly ports?: { readonly http: number; readonly tcp: number }
  /** A file for users.d which has the user `millrace` too; its passwords come from the environment. */
  readonly usersFile?: { readonly path: string; readonly env: Readonly<Record<string, string>> }
}

const launcher = fileURLToPath(
  new URL('../../packages/server/src/stores/clickhouse/server-process.fixture.ts', import.meta.url),
)
const user = 'millrace'
const password = 'pass word & <secret>'

export async function createClickHouseServer(options: ClickHouseServerOptions = {}): Promise<ClickHouseServer> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-clickhouse-'))
  const { http, tcp } = options.ports ?? { http: await freePort(), tcp: await freePort() }
  const url = `http://127.0.0.1:${http}`
  let users = options.users ?? []
  let child: ChildProcess | undefined
  let gone: Promise<void> = Promise.resolve()

  const end = async (signal: NodeJS.Signals) => {
    child?.kill(signal)
    await gone
  }
  return {
    url,
    tcpPort: tcp,
    user,
    password,
    async start() {
      mkdirSync(join(dir, 'work'), { recursive: true })
      writeFileSync(join(dir, 'users.xml'), usersXml(options.usersFile === undefined ? [owner, ...users] : users))
      if (options.usersFile !== undefined) {
        mkdirSync(join(dir, 'users.d'), { recursive: true })
        copyFileSync(options.usersFile.path, join(dir, 'users.d', 'millrace.xml'))
      }
      writeFileSync(join(dir, 'config.xml'), configXml(options.config ?? ''))
      let output = ''
      let hasEnded = false
      const started = spawn(
        process.execPath,
        [
          '--disable-warning=ExperimentalWarning',
          launcher,
          join(dir, 'data'),
          join(dir, 'config.xml'),
          String(http),
          String(tcp),
        ],
        {
          cwd: join(dir, 'work'),
          stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
          env: { ...process.env, ...options.usersFile?.env },
        },
      )
      child = started
      for (const stream of [started.stdout!, started.stderr!])
        stream.on('data', (chunk: Buffer) => {
          output = (output + chunk.toString()).slice(-4000)
        })
      gone = new Promise((resolve) =>
        started.once('exit', () => {
          hasEnded = true
          resolve()
        }),
      )
      while (!(await answers(url))) {
        if (hasEnded) throw new Error(`the server ended:\n${output}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    kill9: () => end('SIGKILL'),
    signal: (signal) => void child?.kill(signal),
    pid: () => child?.pid ?? 0,
    setUsers(next) {
      users = next
    },
    async sql<Row>(query: string) {
      const answer = await fetch(`${url}/?default_format=JSONEachRow`, {
        method: 'POST',
        body: query,
        headers: { 'X-ClickHouse-User': user, 'X-ClickHouse-Key': password },
      })
      const text = await answer.text()
      if (!answer.ok) throw new Error(text)
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Row)
    },
    async dispose() {
      await end('SIGKILL')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Servers that are one cluster, a shard each, in the order given; they know each other by TCP. */
export async function createClickHouseCluster(
  name: string,
  size: number,
  users: readonly string[] = [],
): Promise<readonly ClickHouseServer[]> {
  const ports = []
  for (let shard = 0; shard < size; shard++) ports.push({ http: await freePort(), tcp: await freePort() })
  const shards = ports
    .map(({ tcp }) => `<shard><replica><host>127.0.0.1</host><port>${tcp}</port></replica></shard>`)
    .join('')
  // With a secret, shards know a query as that of the user who asked, and so filter their rows for that user.
  const config = `<remote_servers><${name}><secret>between servers</secret>${shards}</${name}></remote_servers>`
  return Promise.all(ports.map((each) => createClickHouseServer({ users, config, ports: each })))
}

/**
 * In front of a cluster's first server, in the place of Keeper, which the library does not have: runs `ON CLUSTER` on every server,
 * one after the other. Everything else goes to the first.
 */
export async function createClusterEntrance(
  name: string,
  servers: readonly ClickHouseServer[],
): Promise<{ readonly url: string; dispose(): Promise<void> }> {
  const onCluster = ` ON CLUSTER '${name}'`
  const entrance = createServer((request, response) => {
    const forward = (body: Buffer | undefined) => {
      const upstream = httpRequest(
        `${servers[0]!.url}${request.url}`,
        { method: request.method, headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 500, answer.headers)
          answer.pipe(response)
          answer.on('error', () => response.destroy())
        },
      )
      upstream.on('error', () => response.destroy())
      response.on('close', () => upstream.destroy())
      if (body === undefined) request.pipe(upstream)
      else upstream.end(body)
    }
    if (/[?&]query=/.test(request.url ?? '')) return forward(undefined) // an insert, whose body is rows
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const text = body.toString()
      if (!text.includes(onCluster)) return forward(body)
      const headers = { authorization: request.headers.authorization ?? '' }
      void everywhere(servers, request.url ?? '/', headers, text.replace(onCluster, '')).then(
        ({ status, said }) => response.writeHead(status).end(said),
        () => response.destroy(),
      )
    })
  })
  await new Promise<void>((resolve) => entrance.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(entrance.address() as { port: number }).port}`,
    dispose: () =>
      new Promise((resolve) => {
        entrance.closeAllConnections()
        entrance.close(() => resolve())
      }),
  }
}

async function everywhere(
  servers: readonly ClickHouseServer[],
  path: string,
  headers: Readonly<Record<string, string>>,
  statement: string,
): Promise<{ readonly status: number; readonly said: string }> {
  for (const { url } of servers) {
    const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body: statement })
    const said = await answer.text()
    if (!answer.ok) return { status: answer.status, said }
  }
  return { status: 200, said: '' }
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/ping`)).ok
  } catch {
    return false
  }
}

function configXml(more: string): string {
  return `<clickhouse><logger><level>none</level></logger><users_config>users.xml</users_config>
<background_pool_size>2</background_pool_size><mark_cache_size>50000000</mark_cache_size><max_server_memory_usage>1500000000</max_server_memory_usage>
<access_control_improvements><select_from_system_db_requires_grant>true</select_from_system_db_requires_grant></access_control_improvements>
${more}</clickhouse>`
}

function usersXml(users: readonly string[]): string {
  return `<clickhouse><profiles><default/><ask>${settings()}</ask><loose/></profiles><quotas><default/></quotas><users>
<default><password/><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota>
<grants><query>GRANT SYSTEM LISTEN ON *.*</query><query>GRANT SELECT ON system.numbers</query></grants></default>
${users.join('\n')}</users></clickhouse>`
}

function settings(): string {
  return Object.entries(askSettings({ ask: { seconds: 10, memoryBytes: 512e6, rows: 100_000 } }))
    .map(([name, value]) => `<${name}>${value}</${name}>`)
    .join('')
}

const anywhere = (profile: string) =>
  `<networks><ip>127.0.0.1</ip></networks><profile>${profile}</profile><quota>default</quota>`

const owner = `<${user}><password>${escapeXml(password)}</password>${anywhere('default')}</${user}>`

/** A user with these rights only. */
export function limitedUser(name: string, secret: string, grants: readonly string[]): string {
  return `<${name}><password>${escapeXml(secret)}</password>${anywhere('default')}<grants>${grants
    .map((grant) => `<query>${escapeXml(grant)}</query>`)
    .join('')}</grants></${name}>`
}

export interface AskingUser {
  readonly name: string
  readonly secret: string
  readonly project: string
  readonly database?: string
  readonly tables?: readonly string[]
  readonly grants?: readonly string[]
  /** `loose`: none of the settings that the cage needs. */
  readonly profile?: 'ask' | 'loose'
}

/** A user as docs/guide/clickhouse.md asks for, or one that is less confined. */
export function askingUser({
  name,
  secret,
  project,
  database = 'millrace',
  tables = filteredTables,
  grants = askGrants(database),
  profile = 'ask',
}: AskingUser): string {
  const filters = tables.map((table) => `<${table}><filter>project = '${project}'</filter></${table}>`).join('')
  return `<${name}><password>${escapeXml(secret)}</password>${anywhere(profile)}<grants>${grants
    .map((grant) => `<query>${escapeXml(grant)}</query>`)
    .join('')}</grants><databases><${database}>${filters}</${database}></databases></${name}>`
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}
