import { execFileSync, spawnSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EventColumns, encodeEventsRecord } from '@millrace/protocol'
import { Registry } from 'prom-client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Broker, createBroker, createProxy, kafkaMissing, type Proxy } from '../../../../../test/support/kafka.ts'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import { codeOf, never } from '../log.contract.ts'
import type { Log, NewRecord } from '../log.ts'
import { createKafkaLog } from './create-kafka-log.ts'

const root = join(import.meta.dirname, '../../../../..')
const example = join(root, 'examples/kafka-consumer')
/** Outside the checkout, made once per machine. */
const python = join(homedir(), '.cache/millrace-test/kafka-consumer-python')
const missing = kafkaMissing() ?? pythonMissing()
const endTxn = 26

function pythonMissing(): string | undefined {
  if (spawnSync('python3', ['--version']).status !== 0) return 'python3 is not installed'
  if (existsSync(join(python, 'ready'))) return undefined
  const installed =
    spawnSync('python3', ['-m', 'venv', python]).status === 0 &&
    spawnSync(join(python, 'bin/pip'), ['install', '-q', '-r', join(example, 'requirements.txt')]).status === 0
  if (!installed) return 'the Python packages of examples/kafka-consumer could not be installed'
  cpSync(join(example, 'requirements.txt'), join(python, 'ready'))
  return undefined
}

describe.skipIf(missing !== undefined)(
  `a plain Kafka consumer in Python${missing ? ` (SKIPPED: ${missing})` : ''}`,
  () => {
    let broker: Broker
    let proxy: Proxy
    let dir = ''
    beforeAll(async () => {
      proxy = await createProxy()
      broker = await createBroker({ advertise: proxy.address })
      await broker.start()
      proxy.target = broker.proxiedAddress
      dir = mkdtempSync(join(tmpdir(), 'millrace-consumer-'))
      cpSync(join(example, 'consume.py'), join(dir, 'consume.py'))
      const proto = join(root, 'packages/protocol/proto')
      const compile = ['-m', 'grpc_tools.protoc', '-I', proto, `--python_out=${dir}`, 'millrace/v1/record.proto']
      execFileSync(join(python, 'bin/python'), compile)
    })
    afterAll(async () => {
      await broker.dispose()
      await proxy.close()
      rmSync(dir, { recursive: true })
    })

    it('reads every event once, of whatever was committed, and nothing else', async () => {
      const prefix = `t${randomUUID()}.`
      const open = async (address: string): Promise<Log> => {
        const log = createKafkaLog(
          { brokers: [address], topicPrefix: prefix, partitions: 3, retentionHours: 1, decideMs: 500 },
          { clock: systemClock, logger: silentLogger, metrics: new Registry() },
        )
        await log.start(never)
        return log
      }
      const log = await open(proxy.address)
      const sent: string[] = []
      const recordOf = (partition: number, ids: readonly string[]): NewRecord => ({
        topic: 'events',
        partition,
        value: encodeEventsRecord(
          {
            project: 'shop',
            batchId: 'b',
            source: 'test',
            ingestedAt: 1_700_000_000_000,
            schemaVersion: 1,
            planVersion: 0,
          },
          ids.map(
            (id): EventColumns => ({
              id,
              event_type: 'track',
              event_name: 'ünïcode.sent',
              timestamp: 1_700_000_000_123,
              properties: { text: '→ "quoted"', n: 1 },
            }),
          ),
        ),
      })
      for (let i = 0; i < 20; i++) {
        const ids = [`${i}-a`, `${i}-b`]
        await log.append([recordOf(i % 3, ids), recordOf((i + 1) % 3, [`${i}-c`])], {}, never)
        sent.push(...ids, `${i}-c`)
      }
      proxy.fate = (apiKey) => {
        if (apiKey === endTxn) proxy.isCut = true
        return apiKey === endTxn ? 'lost' : 'pass'
      }
      expect(await codeOf(log.append([recordOf(0, ['never committed'])], {}, never))).toBe('unknown_result')
      proxy.isCut = false
      proxy.fate = () => 'pass'
      await log.append([recordOf(0, ['after'])], {}, never)
      sent.push('after')
      await log.stop()

      const read = (): { id: string; project: string; event_name: string; properties: string; timestamp: string }[] => {
        const args = ['consume.py', '--brokers', broker.address, '--prefix', prefix, '--until-end']
        const output = execFileSync(join(python, 'bin/python'), args, { cwd: dir, encoding: 'utf8', timeout: 60_000 })
        return output
          .split('\n')
          .filter((line) => line !== '')
          .map((line) => JSON.parse(line) as ReturnType<typeof read>[number])
      }
      const rows = read()
      expect(rows.map(({ id }) => id).toSorted()).toEqual(sent.toSorted())
      expect(rows[0]).toMatchObject({
        project: 'shop',
        event_name: 'ünïcode.sent',
        timestamp: '1700000000123',
        properties: JSON.stringify({ text: '→ "quoted"', n: 1 }),
      })
      // Its group remembers.
      expect(read()).toEqual([])
    })
  },
)
