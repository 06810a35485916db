import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from './instance.ts'
import { firstAnswer, hasCommand, type ServiceProcess, serviceProcess } from './service-process.ts'

export interface RedisServer extends ServiceProcess {
  readonly port: number
  /** `redis://127.0.0.1:port` */
  readonly url: string
  dispose(): Promise<void>
}

/** Why no Redis can be started here; undefined when one can. */
export function redisMissing(): string | undefined {
  return hasCommand('redis-server') ? undefined : 'redis-server is not installed: apt-get install redis-server'
}

/** A Redis without persistence: what it held is gone after a crash, as a cache may be. Not started yet. */
export async function createRedisServer(more: readonly string[] = []): Promise<RedisServer> {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-redis-'))
  const port = await freePort()
  const server = serviceProcess({
    command: 'redis-server',
    args: ['--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--save', '', '--appendonly', 'no', ...more],
    cwd: dir,
    // With a password the answer is an error, which is an answer.
    isReady: async () => /^[+-](PONG|NOAUTH)/.test(await firstAnswer(port, 'PING\r\n')),
  })
  return {
    ...server,
    port,
    url: `redis://127.0.0.1:${port}`,
    async dispose() {
      await server.kill9()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}
