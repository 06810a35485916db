import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClickHouseServer, type ClickHouseServer } from '../test/support/clickhouse.ts'
import { freePort, pause } from '../test/support/instance.ts'
import { createBroker } from '../test/support/kafka.ts'
import { createPostgresServer } from '../test/support/postgres.ts'
import { createRedisServer } from '../test/support/redis.ts'
import { playRole, type RoleProcess } from '../test/support/role.ts'
import type { ClusterTarget } from './options.ts'

/** Something of the cluster that is killed, stopped and started. */
export interface Part {
  readonly name: string
  readonly kind: ClusterTarget
  pid(): number
  start(): Promise<void>
  kill9(): Promise<void>
  signal(signal: NodeJS.Signals): void
  dispose(): Promise<void>
}

export interface RolePart extends Part {
  readonly url: string
  /** Rises with every process. */
  incarnation(): number
  /** Endings that nobody asked for, with their code and last words. */
  readonly ended: readonly string[]
  log(): string
  /** SIGTERM; resolves with the exit code. */
  stop(): Promise<number | null>
}

export interface Parts {
  readonly collectors: readonly RolePart[]
  readonly workers: readonly RolePart[]
  readonly api: RolePart
  readonly services: readonly Part[]
  readonly clickhouse: ClickHouseServer
  readonly broker: string
}

/** Three collectors, two workers, an API, each with a data directory of its own, on real servers. Nothing is started yet. */
export async function createParts(): Promise<Parts> {
  const [broker, redis, postgres, clickhouse] = await Promise.all([
    createBroker(),
    createRedisServer(),
    createPostgresServer(),
    createClickHouseServer(),
  ])
  const env = {
    MILLRACE_LOG_BROKERS: broker.address,
    MILLRACE_CACHE_URL: redis.url,
    MILLRACE_STATE_URL: postgres.url,
    MILLRACE_STORE_URL: clickhouse.url,
    MILLRACE_STORE_USER: clickhouse.user,
    MILLRACE_STORE_PASSWORD: clickhouse.password,
    MILLRACE_LOG_LEVEL: 'info',
  }
  const role = async (name: string, kind: 'collector' | 'worker' | 'api') =>
    createRolePart(name, kind, await freePort(), env)
  return {
    collectors: [
      await role('collector 1', 'collector'),
      await role('collector 2', 'collector'),
      await role('collector 3', 'collector'),
    ],
    workers: [await role('worker 1', 'worker'), await role('worker 2', 'worker')],
    api: await role('api', 'api'),
    services: [
      service('kafka', 'kafka', broker),
      service('redis', 'redis', redis),
      service('postgres', 'postgres', postgres),
      service('clickhouse', 'clickhouse', clickhouse),
    ],
    clickhouse,
    broker: broker.address,
  }
}

/** As whoever runs containers: a role that ends is started again, whatever its reason. */
function createRolePart(
  name: string,
  kind: 'collector' | 'worker' | 'api',
  port: number,
  env: Readonly<Record<string, string>>,
): RolePart {
  const dataDir = mkdtempSync(join(tmpdir(), 'millrace-chaos-'))
  const ended: string[] = []
  let playing: RoleProcess | undefined
  let isWanted = false
  let incarnation = 0
  let killed: number | undefined

  async function keepAlive(): Promise<void> {
    while (isWanted) {
      incarnation++
      const now = playRole({
        role: kind,
        dataDir,
        env: { ...env, [`MILLRACE_${kind.toUpperCase()}_PORT`]: String(port) },
      })
      playing = now
      const code = await now.exit
      if (!isWanted) return
      if (killed !== now.pid) ended.push(`${name} ended with ${code}: ${lastWords(now.stderr())}`)
      await pause(500)
    }
  }

  return {
    name,
    kind,
    url: `http://127.0.0.1:${port}`,
    incarnation: () => incarnation,
    ended,
    log: () => playing?.stderr() ?? '',
    pid: () => playing?.pid ?? 0,
    async start() {
      if (isWanted) return
      isWanted = true
      void keepAlive()
    },
    async kill9() {
      killed = playing?.pid
      await playing?.end('SIGKILL')
    },
    signal: (signal) => playing?.signal(signal),
    async stop() {
      isWanted = false
      return (await playing?.end('SIGTERM')) ?? null
    },
    async dispose() {
      isWanted = false
      await playing?.end('SIGKILL')
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

function lastWords(log: string): string {
  return log.trim().split('\n').slice(-2).join(' | ').slice(-600)
}

interface Service {
  pid(): number
  start(): Promise<void>
  kill9(): Promise<void>
  dispose(): Promise<void>
}

/** A server comes back when its children have noticed that they are orphans: PostgreSQL refuses to start beside them. */
function service(name: string, kind: ClusterTarget, of: Service): Part {
  return {
    name,
    kind,
    pid: of.pid,
    async start() {
      for (let attempt = 0; ; attempt++) {
        try {
          return await of.start()
        } catch (error) {
          if (attempt === 20) throw error
          await pause(250)
        }
      }
    },
    kill9: of.kill9,
    signal(signal) {
      for (const pid of family(of.pid())) process.kill(pid, signal)
    },
    dispose: of.dispose,
  }
}

/** The process and its descendants: to stop PostgreSQL is to stop each of its processes. */
function family(root: number): number[] {
  const parents = new Map<number, number>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // It ended meanwhile.
    }
  }
  const members = [root]
  for (const member of members) for (const [pid, parent] of parents) if (parent === member) members.push(pid)
  return members.filter((pid) => pid > 0)
}
