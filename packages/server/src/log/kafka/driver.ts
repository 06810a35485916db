import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ConnectionOptions } from '@platformatic/kafka'
import type { Driver } from '../../core/driver.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Log } from '../log.ts'
import { type KafkaLogConfig, kafkaLogConfig } from './config.ts'
import { createKafkaLog } from './create-kafka-log.ts'

export interface KafkaLogPlace {
  /**
   * For the process that appends: the file that keeps its name from one start to the next, so that it fences what a crash left behind.
   * Without it (processes that only read, and append dead letters) a name is made anew each time.
   */
  readonly writerFile?: string
}

export function kafkaLogDriver({ writerFile }: KafkaLogPlace = {}): Driver<KafkaLogConfig, Log> {
  return {
    name: 'kafka',
    config: kafkaLogConfig,
    create({ brokers, topicPrefix, partitions, retention, replicationFactor, sasl, tls }, deps) {
      return createKafkaLog(
        {
          brokers,
          topicPrefix,
          partitions,
          retentionHours: retention.hours,
          connection: () => connectionOf(sasl, tls),
          ...(replicationFactor === undefined ? {} : { replicationFactor }),
          ...(writerFile === undefined
            ? {}
            : { transactionalId: () => `${topicPrefix}collector-${writerName(writerFile)}` }),
        },
        deps,
      )
    },
  }
}

function connectionOf(
  sasl: KafkaLogConfig['sasl'],
  tls: KafkaLogConfig['tls'],
): Pick<ConnectionOptions, 'sasl' | 'tls' | 'tlsServerName'> {
  const files = tls === true ? {} : tls === false ? undefined : tls
  const read = (name: 'ca' | 'cert' | 'key') => {
    const path = files?.[name]
    if (path === undefined) return {}
    try {
      return { [name]: readFileSync(path) }
    } catch (error) {
      throw new PipelineError('config', `log.tls.${name}: cannot read ${path}`, { cause: error })
    }
  }
  return {
    ...(sasl === undefined ? {} : { sasl }),
    ...(files === undefined
      ? {}
      : { tls: { ...read('ca'), ...read('cert'), ...read('key') }, tlsServerName: files.serverName ?? true }),
  }
}

function writerName(file: string): string {
  if (existsSync(file)) {
    const name = readFileSync(file, 'utf8').trim()
    if (/^[0-9a-f-]{36}$/.test(name)) return name
    throw new PipelineError('config', `${file} does not hold a name that Millrace wrote; remove it`)
  }
  const name = randomUUID()
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, `${name}\n`)
  return name
}
