import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** What the broker is; a "latest" may name parts that are not published. */
const kafkaVersion = '4.3.1'
const slf4jVersion = '1.7.36'

/** A real broker (KRaft, one node) in a process of its own. */
export interface Broker {
  readonly address: string
  /** The listener with users and passwords, where `users` were given. */
  readonly saslAddress: string
  /** The listener with TLS, where `tls` was given. */
  readonly tlsAddress: string
  /** What a proxy forwards to, where `advertise` was given. */
  readonly proxiedAddress: string
  readonly pid: () => number
  start(): Promise<void>
  /** As a crash; `start` brings it back with its data. */
  kill9(): Promise<void>
  signal(signal: NodeJS.Signals): void
  stop(): Promise<void>
  /** Stops it and removes its data. */
  dispose(): Promise<void>
}

export interface BrokerOptions {
  /** Turns on SASL/PLAIN on a second listener, and rights: only `admin` and the plain listener may do everything. */
  readonly users?: Readonly<Record<string, string>>
  /** PEM files: certificate and key in one, and who signed it. */
  readonly tls?: { readonly keystore: string; readonly truststore: string }
  /** Whoever asks at `proxiedAddress` is sent to this address for everything. */
  readonly advertise?: string
  readonly properties?: Readonly<Record<string, string>>
}

/** Outside the checkout, so that it is fetched once per machine. */
const kafkaHome = join(homedir(), '.cache', 'millrace-test', `kafka-${kafkaVersion}`)

/** Why no broker can be started here; undefined when one can. Fetches it on first use: 44 MB, some seconds. */
export function kafkaMissing(): string | undefined {
  if (existsSync(join(kafkaHome, 'lib'))) return runs('java', '-version') ? undefined : 'java is not installed'
  if (!runs('java', '-version')) return 'java is not installed'
  if (!runs('mvn', '-v')) return 'mvn is not installed, which fetches the broker'
  try {
    fetchBroker()
    return undefined
  } catch (error) {
    return `the broker could not be fetched: ${error instanceof Error ? error.message.split('\n')[0] : String(error)}`
  }
}

function runs(command: string, argument: string): boolean {
  try {
    execFileSync(command, [argument], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

function fetchBroker(): void {
  mkdirSync(kafkaHome, { recursive: true })
  const partial = mkdtempSync(join(kafkaHome, 'partial-'))
  const dependency = (group: string, artifact: string, version: string) =>
    `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`
  writeFileSync(
    join(partial, 'pom.xml'),
    `<project><modelVersion>4.0.0</modelVersion><groupId>millrace.test</groupId><artifactId>kafka-broker</artifactId><version>1</version><dependencies>${dependency('org.apache.kafka', 'kafka_2.13', kafkaVersion)}${dependency('org.slf4j', 'slf4j-simple', slf4jVersion)}</dependencies></project>`,
  )
  execFileSync('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=lib', '-DincludeScope=runtime'], {
    cwd: partial,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  // Whole or not at all: another run may be doing the same.
  if (!existsSync(join(kafkaHome, 'lib'))) renameSync(join(partial, 'lib'), join(kafkaHome, 'lib'))
  rmSync(partial, { recursive: true, force: true })
}

export async function createBroker(options: BrokerOptions = {}): Promise<Broker> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-kafka-'))
  const [plain, controller, sasl, tls, proxied] = await freePorts(5)
  let child: ChildProcess | undefined
  let gone: Promise<void> = Promise.resolve()

  const listeners = [`PLAINTEXT://127.0.0.1:${plain}`]
  if (options.users !== undefined) listeners.push(`SASL_PLAINTEXT://127.0.0.1:${sasl}`)
  if (options.tls !== undefined) listeners.push(`SSL://127.0.0.1:${tls}`)
  const advertised = [...listeners]
  if (options.advertise !== undefined) {
    listeners.push(`PROXIED://127.0.0.1:${proxied}`)
    advertised.push(`PROXIED://${options.advertise}`)
  }
  const properties: Record<string, string> = {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: [...listeners, `CONTROLLER://127.0.0.1:${controller}`].join(),
    'advertised.listeners': advertised.join(),
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map':
      'CONTROLLER:PLAINTEXT,PROXIED:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL',
    'log.dirs': join(dir, 'data'),
    'auto.create.topics.enable': 'false',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '4',
    'group.initial.rebalance.delay.ms': '0',
    'group.min.session.timeout.ms': '500',
    // With its default of 9 s a broker comes back 12 s after a crash.
    'broker.session.timeout.ms': '1000',
    'broker.heartbeat.interval.ms': '100',
    'message.max.bytes': '20971520',
    ...(options.users === undefined ? {} : saslProperties(options.users)),
    ...(options.tls === undefined
      ? {}
      : {
          'ssl.keystore.type': 'PEM',
          'ssl.keystore.location': options.tls.keystore,
          'ssl.truststore.type': 'PEM',
          'ssl.truststore.location': options.tls.truststore,
        }),
    ...options.properties,
  }
  const file = join(dir, 'server.properties')
  writeFileSync(
    file,
    Object.entries(properties)
      .map(([key, value]) => `${key}=${value}\n`)
      .join(''),
  )
  const classPath = ['-cp', join(kafkaHome, 'lib', '*')]
  execFileSync('java', [...classPath, 'kafka.tools.StorageTool', 'format', '-t', 'millrace-test', '-c', file], {
    stdio: 'ignore',
  })

  const start = async (): Promise<void> => {
    const log = openSync(join(dir, 'log'), 'a')
    const started = spawn(
      'java',
      ['-Xms64m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', ...classPath, 'kafka.Kafka', file],
      { cwd: dir, stdio: ['ignore', log, log] },
    )
    closeSync(log)
    child = started
    let ended = false
    // A test run that fails leaves nothing behind.
    const kill = () => started.kill('SIGKILL')
    process.once('exit', kill)
    gone = new Promise((resolve) => {
      started.once('exit', () => {
        process.off('exit', kill)
        ended = true
        resolve()
      })
    })
    while (!(await isOpen(plain as number))) {
      if (ended) throw new Error(`the broker ended:\n${readFileSync(join(dir, 'log'), 'utf8').slice(-2000)}`)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child?.kill(signal)
    await gone
  }
  return {
    address: `127.0.0.1:${plain}`,
    saslAddress: `127.0.0.1:${sasl}`,
    tlsAddress: `127.0.0.1:${tls}`,
    proxiedAddress: `127.0.0.1:${proxied}`,
    pid: () => child?.pid ?? 0,
    start,
    kill9: () => end('SIGKILL'),
    signal: (signal) => void child?.kill(signal),
    stop: () => end('SIGTERM'),
    async dispose() {
      await end('SIGKILL')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function saslProperties(users: Readonly<Record<string, string>>): Record<string, string> {
  const known = Object.entries(users).map(([name, password]) => `user_${name}="${password}"`)
  return {
    'sasl.enabled.mechanisms': 'PLAIN',
    'listener.name.sasl_plaintext.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${known.join(' ')};`,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'super.users': 'User:admin;User:ANONYMOUS',
    'allow.everyone.if.no.acl.found': 'false',
  }
}

async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve) => {
          const server = createServer().listen(0, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  return Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) => {
          const { port } = server.address() as { port: number }
          server.close(() => resolve(port))
        }),
    ),
  )
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

/**
 * What becomes of one request: it passes, never arrives, arrives while its answer is lost, or is held up on its way until `deliver` is
 * called. All but the first end the connection.
 */
export type Fate = 'pass' | 'lost' | 'answer lost' | 'late'

export interface Proxy {
  readonly address: string
  target: string
  /** By Kafka's number of the kind of request. */
  fate: (apiKey: number) => Fate
  /** Ends all connections and takes no new ones. */
  isCut: boolean
  /** What was held up arrives; resolves when the broker has answered it, to nobody. */
  deliver(): Promise<void>
  close(): Promise<void>
}

/** Between client and broker, to lose what a network loses. */
export async function createProxy(): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const late: (() => Promise<void>)[] = []
  let isCut = false
  const server = createServer((client) => {
    if (isCut) return void client.destroy()
    const [host, port] = proxy.target.split(':')
    const broker = connect(Number(port), host)
    let isDeaf = false
    let isHeldUp = false
    const end = () => {
      client.destroy()
      if (!isHeldUp) broker.destroy()
    }
    let pending = Buffer.alloc(0)
    for (const socket of [client, broker]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    client.on('data', (chunk: Buffer) => {
      pending = Buffer.concat([pending, chunk])
      while (pending.length >= 6 && pending.length >= 4 + pending.readInt32BE(0)) {
        const length = 4 + pending.readInt32BE(0)
        const fate = proxy.fate(pending.readInt16BE(4))
        if (fate === 'lost') return end()
        if (fate === 'answer lost') isDeaf = true
        const request = Buffer.from(pending.subarray(0, length))
        if (fate === 'late') {
          isHeldUp = true
          sockets.delete(broker)
          late.push(async () => {
            const answered = new Promise((resolve) => broker.once('data', resolve))
            broker.write(request)
            await answered
            broker.destroy()
          })
          return end()
        }
        broker.write(request)
        pending = pending.subarray(length)
      }
    })
    broker.on('data', (chunk: Buffer) => {
      if (isDeaf) end()
      else if (!isHeldUp) client.write(chunk)
    })
  })
  const address = await new Promise<string>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve(`127.0.0.1:${(server.address() as { port: number }).port}`))
  })
  const proxy: Proxy = {
    address,
    target: '',
    fate: () => 'pass',
    get isCut() {
      return isCut
    },
    set isCut(value) {
      isCut = value
      if (value) for (const socket of sockets) socket.destroy()
    },
    async deliver() {
      for (const arrive of late.splice(0)) await arrive()
    },
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
  return proxy
}
