import { Registry } from 'prom-client'
import { loadConfig } from '../app/config.ts'
import { systemClock } from '../core/clock.ts'
import { silentLogger } from '../core/deps.ts'
import type { Scope } from '../core/principal.ts'
import { openState } from '../app/drivers.ts'
import { projectsOf } from '../app/projects.ts'
import { createKey, listKeys, projectId, revokeKey } from '../kv/key-ring.ts'
import type { State } from '../kv/state.ts'
import { CliError, exitCodes } from './exit.ts'
import { chooseFormat, print, printRows, type Row, say } from './output.ts'

type Flags = Readonly<Record<string, string>>

/** Whoever may write the data directory may make keys: that is how the first admin key comes to be. */
export async function createKeyCommand(flags: Flags): Promise<void> {
  const scope = flags['scope'] as Scope
  if (!['write', 'read', 'admin'].includes(scope))
    throw new CliError(`--scope ${JSON.stringify(scope)}: expected write, read or admin`, exitCodes.usage)
  const project = projectId.safeParse(flags['project'])
  if (!project.success) throw new CliError(`--project: ${project.error.issues[0]?.message}`, exitCodes.usage)
  // Before the key is made: a secret that cannot be shown is lost.
  const format = chooseFormat(flags)
  if (format === 'parquet') throw new CliError('-o parquet: a key is no table; leave -o away', exitCodes.usage)
  await withState(flags, async (state, projects) => {
    if (!projects.includes(project.data))
      throw new CliError(
        `no project ${project.data} in the configuration; add it as projects.${project.data} first (known: ${projects.join(', ')})`,
        exitCodes.notFound,
      )
    const key = await createKey(state, project.data, scope, Date.now())
    if (flags['json'] !== undefined || flags['output'] !== undefined || !process.stdout.isTTY)
      return printRows([{ project: key.project, id: key.id, scope: key.scope, secret: key.secret }], format)
    print(key.secret)
    say(
      `key ${key.id} (${key.scope}, project ${key.project}): shown this once, only its hash is kept; good within a second`,
    )
  })
}

export async function listKeysCommand(flags: Flags): Promise<void> {
  const format = chooseFormat(flags)
  await withState(flags, async (state, _projects, configured) => {
    const project = flags['project'] ?? 'default'
    const date = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString())
    const rows = [
      ...(configured[project]?.keys ?? []).map(({ id, scope }) => ({
        project,
        id,
        scope,
        where: 'configuration',
        created_at: null,
        revoked_at: null,
      })),
      ...(await listKeys(state, project)).map((key) => ({
        project,
        id: key.id,
        scope: key.scope,
        where: 'data directory',
        created_at: date(key.createdAt),
        revoked_at: date(key.revokedAt),
      })),
    ]
    printRows(format === 'table' ? rows.map(forPeople) : rows, format)
  })
}

/** What fits into 80 columns. */
function forPeople(key: {
  readonly id: string
  readonly scope: string
  readonly where: string
  readonly created_at: string | null
  readonly revoked_at: string | null
}): Row {
  const day = (time: string | null) => time?.slice(0, 10) ?? ''
  const state = key.revoked_at === null ? 'good' : `revoked ${day(key.revoked_at)}`
  return { id: key.id, scope: key.scope, state, created: day(key.created_at), where: key.where }
}

export async function revokeKeyCommand(id: string, flags: Flags): Promise<void> {
  await withState(flags, async (state) => {
    const key = await revokeKey(state, id, Date.now(), flags['project'])
    say(`key ${key.id} (${key.scope}, project ${key.project}) is revoked; it is refused within a second`)
  })
}

async function withState(
  flags: Flags,
  use: (
    state: State,
    projects: readonly string[],
    configured: Readonly<Record<string, { keys?: readonly { id: string; scope: string }[] }>>,
  ) => Promise<void>,
): Promise<void> {
  const { config } = await loadConfig(flags)
  const state = openState(config, { clock: systemClock, logger: silentLogger, metrics: new Registry() })
  await state.start(AbortSignal.timeout(10_000))
  try {
    await use(state, Object.keys(projectsOf(config)), config.projects)
  } finally {
    await state.stop()
  }
}
