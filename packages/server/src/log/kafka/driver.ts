import { randomUUID } from 'node:crypto'
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { ConnectionOptions } from '@platformatic/kafka'
import type { Driver } from '../../core/driver.ts'
import { PipelineError } from '../../core/errors.ts'
import type { Log } from '../log.ts'
import { type KafkaLogConfig, kafkaLogConfig } from './config.ts'
import { createKafkaLog } from './create-kafka-log.ts'

/** Who opens the log, one process at a time: by this name it fences what its predecessor left behind, or still tries to do. */
export interface KafkaLogUser {
  readonly role: string
  /** Keeps the name of this data directory from one start to the next. */
  readonly nameFile: string
}

/** Without `user`: one of many, under a name made anew. */
export function kafkaLogDriver(user?: KafkaLogUser): Driver<KafkaLogConfig, Log> {
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
          ...(user === undefined
            ? {}
            : { transactionalId: () => `${topicPrefix}${user.role}-${nameIn(user.nameFile)}` }),
          ...(replicationFactor === undefined ? {} : { replicationFactor }),
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
      : {
          tls: { ...read('ca'), ...read('cert'), ...read('key') },
          ...(files.serverName === undefined ? {} : { tlsServerName: files.serverName }),
        }),
  }
}

function nameIn(file: string): string {
  if (!existsSync(file)) makeName(file)
  const name = readFileSync(file, 'utf8').trim()
  if (!/^[0-9a-f-]{36}$/.test(name))
    throw new PipelineError('config', `${file} does not hold a name that Millrace wrote; remove it`)
  return name
}

/** By whoever comes first: roles start at the same time. Whole when it appears. */
function makeName(file: string): void {
  mkdirSync(dirname(file), { recursive: true })
  const made = `${file}.${process.pid}`
  writeFileSync(made, `${randomUUID()}\n`)
  try {
    linkSync(made, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  } finally {
    rmSync(made)
  }
}
