import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AclOperations, AclPermissionTypes, Admin, ResourcePatternTypes, ResourceTypes } from '@platformatic/kafka'
import { Registry } from 'prom-client'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Broker, createBroker, kafkaMissing } from '../../../../../test/support/kafka.ts'
import { systemClock } from '../../core/clock.ts'
import { type Logger, silentLogger } from '../../core/deps.ts'
import { never, readAll, record, text } from '../log.contract.ts'
import type { Log } from '../log.ts'
import { kafkaLogConfig } from './config.ts'
import { createKafkaLog } from './create-kafka-log.ts'
import { kafkaLogDriver } from './driver.ts'

const missing = kafkaMissing()

describe.skipIf(missing !== undefined)(`opening a log in Kafka${missing ? ` (SKIPPED: ${missing})` : ''}`, () => {
  let broker: Broker
  let admin: Admin
  let dir = ''
  let prefix = ''
  let caFile = ''
  const opened: Log[] = []
  const warnings: string[] = []
  const logger: Logger = { ...silentLogger, warn: (_, message) => void warnings.push(message) }

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'millrace-kafka-open-'))
    const keystore = makeCertificates(dir)
    caFile = join(dir, 'ca.pem')
    broker = await createBroker({
      users: { admin: 'a', app: 'secret', nobody: 'n' },
      tls: { keystore, truststore: caFile },
    })
    await broker.start()
    admin = new Admin({ clientId: 'test', bootstrapBrokers: [broker.address], retries: 20, retryDelay: 100 })
  })
  afterAll(async () => {
    await admin.close()
    await broker.dispose()
    rmSync(dir, { recursive: true })
  })
  beforeEach(() => {
    prefix = `t${randomUUID()}.`
    warnings.length = 0
  })
  afterEach(async () => {
    for (const log of opened.splice(0)) await log.stop()
  })

  async function open(written: object = {}): Promise<Log> {
    const config = kafkaLogConfig.parse({
      driver: 'kafka',
      brokers: broker.address,
      topicPrefix: prefix,
      partitions: 2,
      ...written,
    })
    const log = kafkaLogDriver({ role: 'collector', nameFile: join(dir, prefix) }).create(config, {
      clock: systemClock,
      logger,
      metrics: new Registry(),
    })
    opened.push(log)
    await log.start(AbortSignal.timeout(20_000))
    return log
  }
  const refusal = async (written: object = {}) =>
    open(written).then(
      () => 'opened',
      (error: unknown) => `${(error as { code: string }).code}: ${(error as Error).message}`,
    )
  const configOf = async (topic: string) => {
    const [found] = await admin.describeConfigs({ resources: [{ resourceType: 2, resourceName: topic }] })
    return Object.fromEntries(found?.configs.map(({ name, value }) => [name, value]) ?? [])
  }
  const configure = (topic: string, name: string, value: string) =>
    admin.incrementalAlterConfigs({
      resources: [{ resourceType: 2, resourceName: topic, configs: [{ name, value, configOperation: 0 }] }],
      validateOnly: false,
    })

  it('makes its topics so that Kafka itself forgets nothing', async () => {
    await open()
    for (const topic of ['events', 'quarantine', 'outcomes', 'deadletters', 'meta'])
      expect(await configOf(`${prefix}${topic}`)).toMatchObject({
        'cleanup.policy': 'delete',
        'retention.ms': '-1',
        'retention.bytes': '-1',
        'unclean.leader.election.enable': 'false',
        'max.message.bytes': '33554432',
      })
  })

  it.each([
    [
      'retention.ms',
      '3600000',
      /^config: .*events has retention\.ms=3600000, which loses events: kafka-configs\.sh .*retention\.ms=-1$/,
    ],
    ['retention.bytes', '1000000', /^config: .*retention\.bytes=1000000/],
    ['cleanup.policy', 'compact', /^config: .*cleanup\.policy=compact/],
    ['unclean.leader.election.enable', 'true', /^config: .*unclean\.leader\.election\.enable=true/],
  ])('refuses topics with %s=%s, and says what mends it', async (name, value, message) => {
    await open()
    await configure(`${prefix}events`, name, value)
    expect(await refusal()).toMatch(message)
    await configure(
      `${prefix}events`,
      name,
      { 'cleanup.policy': 'delete', 'unclean.leader.election.enable': 'false' }[name] ?? '-1',
    )
    expect(await refusal()).toBe('opened')
  })

  it('bears a retention longer than its own, and warns', async () => {
    await open()
    await configure(`${prefix}events`, 'retention.ms', String(200 * 3_600_000))
    expect(await refusal()).toBe('opened')
    expect(warnings.join()).toMatch(/Kafka deletes records after retention\.ms/)
  })

  it('refuses another number of partitions than its topics have', async () => {
    await open()
    expect(await refusal({ partitions: 3 })).toMatch(
      /^config: log\.partitions is 3, but topic .*events has 2: set it to that/,
    )
  })

  it('has another epoch when its topics were deleted and made anew', async () => {
    const epochs = new Set<number>()
    for (let i = 0; i < 4; i++) {
      const log = await open()
      epochs.add(log.epoch())
      await log.append([record('events', 0, `life ${i}`)], {}, never)
      await log.stop()
      // A deletion whose answer comes late is asked for again, and then there is nothing to delete.
      await admin.deleteTopics({ topics: [`${prefix}events`] }).catch(() => {})
      await vi.waitFor(async () => expect(await admin.listTopics()).not.toContain(`${prefix}events`), {
        timeout: 20_000,
      })
    }
    expect(epochs.size).toBe(4)
  })

  it('agrees on one epoch when processes make it together', async () => {
    const logs = await Promise.all([open(), open(), open()])
    expect(new Set(logs.map((log) => log.epoch())).size).toBe(1)
  })

  it('refuses a log of a newer release', async () => {
    const log = await open()
    await log.stop()
    const { Producer } = await import('@platformatic/kafka')
    const producer = new Producer({ clientId: 'newer', bootstrapBrokers: [broker.address] })
    const value = Buffer.from(JSON.stringify({ format: 2, epoch: 7, topics: {} }))
    await producer.send({ messages: [{ topic: `${prefix}meta`, partition: 0, value }], acks: -1 })
    await producer.close()
    expect(await refusal()).toMatch(/^newer_version: .*has format 2, this release reads up to 1/)
  })

  it('refuses a record that no broker would take, and stores what comes after it', async () => {
    await open()
    await configure(`${prefix}events`, 'max.message.bytes', '2000000')
    const log = await open()
    const big = { topic: 'events', partition: 0, value: new Uint8Array(2_000_000) } as const
    await expect(log.append([big], {}, never)).rejects.toMatchObject({ code: 'too_large' })
    await log.append([record('events', 0, 'small')], {}, never)
    expect((await readAll(log, 'events', 0)).map(({ value }) => text(value))).toEqual(['small'])
  })

  it('warns before its partitions have given out all offsets, and then refuses: nothing of it is stored', async () => {
    const limited = async () => {
      const log = createKafkaLog(
        { brokers: [broker.address], topicPrefix: prefix, partitions: 2, retentionHours: 1, maxOffset: 8 },
        { clock: systemClock, logger, metrics: new Registry() },
      )
      opened.push(log)
      await log.start(never)
      return log
    }
    const log = await limited()
    for (let i = 0; i < 4; i++) await log.append([record('events', 0, String(i))], {}, never)
    await limited()
    expect(warnings.join()).toMatch(/has given out most of its offsets/)
    await log.append([record('events', 0, '4')], {}, never)
    const late = [record('outcomes', 0, 'late'), record('events', 0, 'late')]
    await expect(log.append(late, {}, never)).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('events/0 has given out all its 9 offsets') as string,
    })
    await log.append([record('events', 1, 'another partition')], {}, never)
    expect((await readAll(log, 'events', 0)).map(({ value }) => text(value))).toEqual(['0', '1', '2', '3', '4'])
    expect(await readAll(log, 'outcomes', 0)).toEqual([])
  })

  it('says where nobody answers', async () => {
    const log = kafkaLogDriver({ role: 'collector', nameFile: join(dir, prefix) }).create(
      kafkaLogConfig.parse({ driver: 'kafka', brokers: ['127.0.0.1:1'] }),
      { clock: systemClock, logger, metrics: new Registry() },
    )
    await expect(log.start(AbortSignal.timeout(1500))).rejects.toThrow(/127\.0\.0\.1:1|timeout/)
  })

  describe('with users', () => {
    const sasl = (username: string, password: string) => ({
      brokers: broker.saslAddress,
      sasl: { mechanism: 'PLAIN', username, password },
    })

    it('refuses a wrong password', async () => {
      expect(await refusal(sasl('app', 'wrong'))).toMatch(/^config: Kafka refuses the user or password of log\.sasl/)
    })

    it('says which right is missing', async () => {
      expect(await refusal(sasl('nobody', 'n'))).toMatch(
        /^config: Kafka refuses the right to see topic t.*events: grant/,
      )
    })

    it('does all it must with the rights that the guide lists, and names the topics it may not make', async () => {
      await allow('app', ResourceTypes.TOPIC, ['DESCRIBE', 'READ', 'WRITE', 'DELETE', 'DESCRIBE_CONFIGS'])
      await allow('app', ResourceTypes.GROUP, ['READ', 'DESCRIBE'])
      await allow('app', ResourceTypes.TRANSACTIONAL_ID, ['WRITE', 'DESCRIBE'])
      await allow('app', ResourceTypes.CLUSTER, ['DESCRIBE'])
      expect(await refusal(sasl('app', 'secret'))).toMatch(
        /^config: topics of t.* are missing .*\nkafka-topics\.sh --create --topic t.*\.events --partitions 2 --replication-factor 1 .*--config retention\.ms=-1/,
      )
      await open()
      const log = await open(sasl('app', 'secret'))
      const [position] = await log.append([record('events', 0, 'mine')], {}, never)
      const membership = await log.join('g', ['events'], async () => {}, never)
      await log.append(
        [record('deadletters', 0, 'd')],
        { commit: { membership, positions: [{ topic: 'events', partition: 0, offset: 1 }], note: 'n' } },
        never,
      )
      await log.commit(membership, [{ topic: 'events', partition: 0, offset: 1 }])
      expect(await log.bytes()).toBeGreaterThan(0)
      await log.trim({ topic: 'events', partition: 0, offset: (position?.offset ?? 0) + 1 })
      expect((await log.bounds('events'))[0]?.first).toBe((position?.offset ?? 0) + 1)
      expect(warnings).toEqual([])
    })

    async function allow(user: string, resourceType: number, operations: readonly (keyof typeof AclOperations)[]) {
      await admin.createAcls({
        creations: operations.map((operation) => ({
          resourceType,
          resourceName: resourceType === ResourceTypes.CLUSTER ? 'kafka-cluster' : prefix,
          resourcePatternType:
            resourceType === ResourceTypes.CLUSTER ? ResourcePatternTypes.LITERAL : ResourcePatternTypes.PREFIXED,
          principal: `User:${user}`,
          host: '*',
          operation: AclOperations[operation],
          permissionType: AclPermissionTypes.ALLOW,
        })) as never,
      })
    }
  })

  describe('by TLS', () => {
    it('works with the authority given, and not without', async () => {
      const log = await open({ brokers: broker.tlsAddress, tls: { ca: caFile, serverName: 'localhost' } })
      await log.append([record('events', 0, 'sealed')], {}, never)
      expect((await readAll(log, 'events', 0)).map(({ value }) => text(value))).toEqual(['sealed'])
      expect(await refusal({ brokers: broker.tlsAddress, tls: true })).toMatch(/^config: .*certificate/i)
      expect(await refusal({ brokers: broker.tlsAddress, tls: { ca: join(dir, 'none.pem') } })).toMatch(
        /^config: log\.tls\.ca: cannot read .*none\.pem/,
      )
    })
  })
})

/** An authority, and in one file the key and certificate of a broker at `localhost`. */
function makeCertificates(dir: string): string {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
  openssl(
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=test authority',
  )
  openssl(
    'req',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    'broker.key',
    '-out',
    'broker.csr',
    '-subj',
    '/CN=localhost',
  )
  writeFileSync(join(dir, 'names'), 'subjectAltName=DNS:localhost\n')
  openssl(
    'x509',
    '-req',
    '-in',
    'broker.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-out',
    'broker.pem',
    '-days',
    '2',
    '-extfile',
    'names',
  )
  const keystore = join(dir, 'keystore.pem')
  writeFileSync(keystore, readFileSync(join(dir, 'broker.key'), 'utf8') + readFileSync(join(dir, 'broker.pem'), 'utf8'))
  return keystore
}
