import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, globSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePort } from './instance.ts'
import { firstAnswer, hasCommand, type ServiceProcess, serviceProcess } from './service-process.ts'

export interface PostgresServer extends ServiceProcess {
  readonly port: number
  /** As its superuser, database `postgres`, no password. */
  readonly url: string
  dispose(): Promise<void>
}

/** Asks whether it takes connections at all: an SSL request, answered by one letter. */
const sslRequest = Uint8Array.of(0, 0, 0, 8, 4, 210, 22, 47)

/** Why no PostgreSQL can be started here; undefined when one can. */
export function postgresMissing(): string | undefined {
  if (programs() === undefined) return 'PostgreSQL is not installed: apt-get install postgresql'
  if (process.getuid?.() === 0 && ownUser() === undefined)
    return 'PostgreSQL refuses root, and there is no user postgres'
  return undefined
}

/** Not started yet; `initdb` is done. */
export async function createPostgresServer(more: readonly string[] = []): Promise<PostgresServer> {
  const bin = programs()
  if (bin === undefined) throw new Error(postgresMissing())
  const user = ownUser()
  const dir = mkdtempSync(join(tmpdir(), 'millrace-postgres-'))
  chmodSync(dir, 0o755)
  if (user !== undefined) chownSync(dir, user.uid, user.gid)
  const data = join(dir, 'data')
  const options = ['-D', data, '-A', 'trust', '-U', 'postgres', '--no-sync', '-E', 'UTF8', '--locale=C']
  execFileSync(join(bin, 'initdb'), options, { stdio: 'ignore', cwd: dir, ...user })
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    ...Object.fromEntries(more.map(split)),
  }
  const server = serviceProcess({
    command: join(bin, 'postgres'),
    args: [
      '-D',
      data,
      '-p',
      String(port),
      ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
    ],
    cwd: dir,
    ...(user === undefined ? {} : { user }),
    stopSignal: 'SIGINT',
    isReady: async () => {
      if (!/^[SN]/.test(await firstAnswer(port, sslRequest))) return false
      return accepts(bin, port)
    },
  })
  return {
    ...server,
    port,
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    async dispose() {
      await server.kill9()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function split(setting: string): [string, string] {
  const at = setting.indexOf('=')
  return [setting.slice(0, at), setting.slice(at + 1)]
}

function accepts(bin: string, port: number): boolean {
  try {
    execFileSync(join(bin, 'pg_isready'), ['-q', '-h', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** The folder of `initdb` and `postgres`: Debian keeps it off PATH. */
function programs(): string | undefined {
  const found = globSync('/usr/lib/postgresql/*/bin/initdb').toSorted().at(-1)
  if (found !== undefined) return dirname(found)
  if (!hasCommand('initdb')) return undefined
  return dirname(execFileSync('sh', ['-c', 'command -v initdb'], { encoding: 'utf8' }).trim())
}

/** PostgreSQL does not run as root: then as the user of its package. */
function ownUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined
  const id = (flag: string) =>
    Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
  try {
    return { uid: id('-u'), gid: id('-g') }
  } catch {
    return undefined
  }
}
