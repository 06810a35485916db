import type { Redis } from 'ioredis'
import type { Logger } from '../../core/deps.ts'
import { PipelineError } from '../../core/errors.ts'
import { showUrl } from '../show-url.ts'
import { inTime } from './in-time.ts'

export interface RedisConnection {
  readonly client: Redis
  close(): Promise<void>
}

/** No answer within it is a failure; what was asked may have been done all the same. */
export const operationMs = 2000
/**
 * A silent connection is given up after it, so that a dead host is not asked through it for the minutes TCP takes. Both these are the
 * library's, which takes a pause of this process for silence: so they are longer than pauses are.
 */
const silenceMs = 10_000
const slowestRetryMs = 1000

/**
 * Connects, and keeps reconnecting until `close`. A Redis that is not there is no reason not to start, a cache may be away at any
 * time: said once in the log, and again when it is back. One that refuses our name or password is: nobody would notice later.
 */
export async function connectRedis(url: string, logger: Logger, signal: AbortSignal): Promise<RedisConnection> {
  const shown = showUrl(url)
  let isAway = false
  let lastError: Error | undefined
  const library = await import('ioredis')
  const client = new library.Redis(url, {
    lazyConnect: true,
    // Fail at once instead of queueing: what waits for the cache decides itself how long.
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    // Sent again after a lost connection, an `add` that had been done would say that it was there already.
    autoResendUnfulfilledCommands: false,
    commandTimeout: silenceMs,
    connectTimeout: operationMs,
    socketTimeout: silenceMs,
    retryStrategy: (attempt) => Math.min(attempt * 50, slowestRetryMs),
    // After a fail-over the old address may still answer, as a replica: look again.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    protocol: 2,
    disableClientInfo: true,
  })
  client.on('error', (error: Error) => {
    lastError = error
    if (!isAway)
      logger.warn({ redis: shown, why: error.message }, 'Redis is away; going on without it until it is back')
    isAway = true
  })
  client.on('ready', () => {
    if (isAway) logger.info({ redis: shown }, 'Redis is back')
    isAway = false
  })
  const giveUp = () => client.disconnect()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    await client.connect()
  } catch (error) {
    const why = lastError ?? (error as Error)
    if (isRefusal(why)) {
      client.disconnect()
      throw new PipelineError('config', `Redis at ${shown} refuses us: ${why.message}; correct cache.url`, {
        cause: why,
      })
    }
    if (!isAway) logger.warn({ redis: shown, why: why.message }, 'Redis is away; going on without it until it is back')
    isAway = true
  } finally {
    signal.removeEventListener('abort', giveUp)
  }
  signal.throwIfAborted()
  return {
    client,
    async close() {
      // What was sent is answered first, if Redis answers at all.
      if (client.status === 'ready') await inTime(client.quit(), operationMs).catch(() => undefined)
      client.disconnect()
    },
  }
}

/** Names, passwords, rights and database numbers: they do not become right by waiting. */
function isRefusal({ message }: Error): boolean {
  return /^(WRONGPASS|NOAUTH|NOPERM|ERR (invalid password|AUTH|DB index|invalid DB))|Client sent AUTH/i.test(message)
}
