import { readFileSync, statSync } from 'node:fs'
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client'
import { PipelineError } from '../../core/errors.ts'
import type { Cluster } from '../schema/cluster.ts'
import { type EngineRun, type Login, readEngineRun } from './engine/run-file.ts'

/** Where the tables are: our own engine, found by its run file, or a server by URL. */
export type ClickHouseAddress =
  | { readonly embedded: string }
  | {
      readonly server: {
        readonly url: string
        readonly user: string
        readonly password: string
        readonly database: string
        /** PEM text, or the path of a PEM file. */
        readonly caCertificate?: string | undefined
        /** Read-only user of each project that may ask SQL there; see cage/probe.ts for what it must be. */
        readonly asking?: Readonly<Record<string, Login>>
        /** The tables are spread over the servers of this cluster. */
        readonly cluster?: Cluster | undefined
      }
    }

export interface Connection {
  readonly client: ClickHouseClient
  readonly url: string
  readonly database: string
  readonly service: Login
  readonly asking: Readonly<Record<string, Login>>
  readonly cluster: Cluster | undefined
}

export interface Connections {
  /** The one to use now. Throws `unavailable` while the engine has never run. */
  current(): Connection
  close(): Promise<void>
}

/** Longer than any insert or question of ours; limits of their own end them earlier. */
const requestTimeoutMs = 300_000
/** One second less than the engine's own, so that we never send into a closing connection. */
const idleSocketMs = 25_000
const serverIdleSocketMs = 2500

/**
 * Our own engine comes back from a crash on another port with other passwords: its run file is looked at before each use
 * (a stat: microseconds) and a new client made when it has changed.
 */
export function createConnections(address: ClickHouseAddress): Connections {
  let current: (Connection & { readonly mark: string }) | undefined
  const retired = new Set<Promise<void>>()

  function retire(connection: Connection): void {
    const closing = connection.client.close().catch(() => {}) // what hung on it has failed already, or will
    retired.add(closing)
    void closing.then(() => retired.delete(closing))
  }

  return {
    current() {
      if ('server' in address) return (current ??= { ...open(address.server), mark: '' })
      const mark = fileMark(address.embedded)
      if (current !== undefined && (mark === current.mark || mark === '')) return current
      const next = { ...openEngine(readEngineRun(address.embedded)), mark }
      if (current !== undefined) retire(current)
      current = next
      return current
    },
    async close() {
      if (current !== undefined) retire(current)
      current = undefined
      await Promise.all(retired)
    },
  }
}

/** '' when there is no file: the engine is starting or stopping, and the last address is as good as any. */
function fileMark(file: string): string {
  const found = statSync(file, { throwIfNoEntry: false })
  return found === undefined ? '' : `${found.ino} ${found.mtimeMs}`
}

function openEngine(run: EngineRun): Connection {
  return {
    ...connect(run.url, run.service, idleSocketMs),
    database: run.database,
    asking: run.asking,
    cluster: undefined,
  }
}

function open(server: Extract<ClickHouseAddress, { server: unknown }>['server']): Connection {
  const { url, database, user, password, asking = {}, caCertificate, cluster } = server
  if (!/^[A-Za-z_]\w*$/.test(database))
    throw new PipelineError('config', `store.database is ${database}, expected letters, digits and _`)
  const ca = caCertificate === undefined ? undefined : readCertificate(caCertificate)
  return { ...connect(url, { user, password }, serverIdleSocketMs, ca), database, asking, cluster }
}

function connect(
  url: string,
  service: Login,
  idle_socket_ttl: number,
  ca?: Buffer,
): Pick<Connection, 'client' | 'url' | 'service'> {
  const client = createClient({
    url,
    username: service.user,
    password: service.password,
    application: 'millrace',
    request_timeout: requestTimeoutMs,
    max_open_connections: 32,
    // On loopback compressing costs more than it saves, and blocks for a server are sent rarely and large.
    compression: { request: !isLoopback(url), response: false },
    keep_alive: { enabled: true, idle_socket_ttl, eagerly_destroy_stale_sockets: true },
    log: { level: ClickHouseLogLevel.OFF },
    ...(ca === undefined ? {} : { tls: { ca_cert: ca } }),
  })
  return { client, url, service }
}

function readCertificate(value: string): Buffer {
  if (value.includes('-----BEGIN CERTIFICATE')) return Buffer.from(value)
  let text: string
  try {
    text = readFileSync(value, 'utf8')
  } catch (cause) {
    throw new PipelineError(
      'config',
      `store.caCertificate: cannot read ${value}; name a PEM file that this user can read, or put its text there`,
      { cause },
    )
  }
  if (text.includes('-----BEGIN CERTIFICATE')) return Buffer.from(text)
  throw new PipelineError('config', `store.caCertificate: ${value} holds no certificate (-----BEGIN CERTIFICATE-----)`)
}

function isLoopback(url: string): boolean {
  return /^(127\.|localhost$|\[::1\]$)/.test(new URL(url).hostname)
}
