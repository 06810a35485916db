import { createHash, hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { Deps } from '../core/deps.ts'
import { PipelineError } from '../core/errors.ts'
import type { Scope } from '../core/principal.ts'
import type { Service } from '../core/service.ts'
import type { State } from './state.ts'

/**
 * Keys: who may send to and ask which project. Two places, one ring: the configuration (`projects.<id>.keys`) and State
 * (`keys/<project>/<id>`, made by `millrace keys create`). Of a secret only its SHA-256 is kept: 32 random bytes need no slow hash.
 */

export const keyConfig = z.strictObject({
  id: z.string().min(1).max(64),
  scope: z.enum(['write', 'read', 'admin']),
  sha256: z.string().regex(/^[0-9a-f]{64}$/i, 'must be 64 hex digits: the SHA-256 of the secret'),
})

type KeyConfig = z.infer<typeof keyConfig>

/** Name of a project: it becomes part of State keys and of the store's user names. */
export const projectId = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be 1 to 63 characters of a-z 0-9 _ -, beginning with a letter or digit')

/** The part of `projects.<id>` that the ring needs. */
interface ProjectKeys {
  readonly keys?: readonly KeyConfig[] | undefined
}

const storedKey = z.object({
  id: z.string(),
  scope: keyConfig.shape.scope,
  sha256: keyConfig.shape.sha256,
  createdAt: z.number(),
  revokedAt: z.number().optional(),
})

/** A key as it may be shown: without anything from which the secret could be found. */
export interface KeyInfo {
  readonly project: string
  readonly id: string
  readonly scope: Scope
  /** Unix ms. */
  readonly createdAt: number
  readonly revokedAt?: number
}

export interface NewKey extends KeyInfo {
  /** Shown this once; nobody can show it again. */
  readonly secret: string
}

/** A key that is good now. */
interface Key {
  readonly project: string
  readonly id: string
  readonly scope: Scope
}

export interface KeyRing extends Service {
  /** The key with this secret, or undefined. Synchronous: a snapshot, at most a second old. */
  find(secret: string): Key | undefined
}

export interface KeyRingOptions {
  readonly state: State
  /** A snapshot of the configuration; asked at each refresh, so that a reload is followed. */
  readonly projects: () => Readonly<Record<string, ProjectKeys>>
  readonly deps: Deps
}

const prefix = 'keys/'
/** The snapshot is at most a second old: half of it between two looks, the rest for the look itself. */
const refreshEveryMs = 500

interface Entry extends Key {
  readonly digest: Buffer
}

export function createKeyRing({ state, projects, deps }: KeyRingOptions): KeyRing {
  let byDigest: ReadonlyMap<string, readonly Entry[]> = new Map()
  let failing = false
  const stopping = new AbortController()
  let loop = Promise.resolve()

  async function refresh(): Promise<void> {
    const known = projects()
    const entries: Entry[] = []
    for (const [project, { keys }] of Object.entries(known))
      for (const key of keys ?? [])
        entries.push({ project, id: key.id, scope: key.scope, digest: Buffer.from(key.sha256, 'hex') })
    // A project that left the configuration takes its keys along; `default` is always there.
    for (const { project, stored } of await readKeys(state, prefix))
      if (stored.revokedAt === undefined && (project === 'default' || Object.hasOwn(known, project)))
        entries.push({ project, id: stored.id, scope: stored.scope, digest: Buffer.from(stored.sha256, 'hex') })
    byDigest = groupByStart(entries)
  }

  async function keepFresh(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        await deps.clock.sleep(refreshEveryMs, stopping.signal)
        await refresh()
        if (failing) deps.logger.info({}, 'keys are fresh again')
        failing = false
      } catch (error) {
        if (stopping.signal.aborted) return
        // The last snapshot goes on: refusing everybody because State is away would lose events.
        if (!failing)
          deps.logger.error({ err: error }, 'cannot read the keys from state; the last ones known stay valid')
        failing = true
      }
    }
  }

  return {
    async start(signal) {
      signal.throwIfAborted()
      await refresh()
      loop = keepFresh()
    },
    async stop() {
      stopping.abort()
      await loop
    },
    find(secret) {
      const digest = hash('sha256', secret, 'buffer')
      let found: Entry | undefined
      for (const entry of byDigest.get(startOf(digest)) ?? [])
        if (timingSafeEqual(entry.digest, digest)) found ??= entry
      return found === undefined ? undefined : { project: found.project, id: found.id, scope: found.scope }
    },
  }
}

/** Makes a key. The caller makes sure that the project is in the configuration. */
export async function createKey(state: State, project: string, scope: Scope, now: number): Promise<NewKey> {
  projectId.parse(project)
  const secret = `mr_${scope}_${randomBytes(32).toString('base64url')}`
  const sha256 = createHash('sha256').update(secret).digest('hex')
  const id = randomBytes(6).toString('hex')
  const stored: z.infer<typeof storedKey> = { id, scope, sha256, createdAt: now }
  if (!(await state.putIfVersion(`${prefix}${project}/${id}`, Buffer.from(JSON.stringify(stored)), 0)))
    throw new PipelineError('conflict', `a key ${id} exists already; try again`)
  return { project, id, scope, createdAt: now, secret }
}

/** All keys of State, revoked ones too; of one project, or of all. Keys of the configuration are listed there. */
export async function listKeys(state: State, project?: string): Promise<readonly KeyInfo[]> {
  const found = await readKeys(state, project === undefined ? prefix : `${prefix}${project}/`)
  return found.map(({ project, stored: { id, scope, createdAt, revokedAt } }) => ({
    project,
    id,
    scope,
    createdAt,
    ...(revokedAt === undefined ? {} : { revokedAt }),
  }))
}

/** Ends a key within a second, everywhere. Revoking twice is no error and keeps the first time. */
export async function revokeKey(state: State, id: string, now: number, project?: string): Promise<KeyInfo> {
  for (;;) {
    const matching = (await readKeys(state, prefix)).filter(
      (entry) => entry.stored.id === id && (project === undefined || entry.project === project),
    )
    const [entry] = matching
    if (entry === undefined)
      throw new PipelineError(
        'not_found',
        `no key ${id}${project === undefined ? '' : ` in project ${project}`}; see: millrace keys list`,
      )
    if (matching.length > 1)
      throw new PipelineError('conflict', `key ${id} exists in ${matching.length} projects; name the project`)
    const revoked = { ...entry.stored, revokedAt: entry.stored.revokedAt ?? now }
    if (await state.putIfVersion(entry.key, Buffer.from(JSON.stringify(revoked)), entry.version))
      return {
        project: entry.project,
        id,
        scope: revoked.scope,
        createdAt: revoked.createdAt,
        revokedAt: revoked.revokedAt,
      }
  }
}

async function readKeys(state: State, under: string) {
  const entries = await state.list(under)
  return entries.map(({ key, value, version }) => {
    const [, project = ''] = key.split('/')
    const parsed = storedKey.safeParse(parseJson(value))
    if (!parsed.success)
      throw new PipelineError('corrupt', `state key ${key} is not a key: ${z.prettifyError(parsed.error)}`)
    return { key, project, version, stored: parsed.data }
  })
}

function parseJson(value: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(value).toString('utf8')) as unknown
  } catch {
    return undefined
  }
}

/** Looking up by the start of a hash tells a prober nothing: he cannot steer the hash of a guess towards a secret's. */
function groupByStart(entries: readonly Entry[]): ReadonlyMap<string, readonly Entry[]> {
  const groups = new Map<string, Entry[]>()
  for (const entry of entries) {
    const start = startOf(entry.digest)
    const group = groups.get(start)
    if (group === undefined) groups.set(start, [entry])
    else group.push(entry)
  }
  return groups
}

function startOf(digest: Buffer): string {
  return digest.toString('latin1', 0, 4)
}
