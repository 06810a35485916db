import { isIP } from 'node:net'
import { z } from 'zod'
import { PipelineError } from '../core/errors.ts'
import type { Authenticate, Principal, Scope } from '../core/principal.ts'
import { keyConfig, projectId, type KeyRing } from '../kv/key-ring.ts'

/** `auth`: open = whoever reaches the port may send and ask, as project `default`; keys = a key for everything. */
export const authConfig = z.enum(['open', 'keys'])
export type Auth = z.infer<typeof authConfig>

/** `projects`: each with its keys and, if only certain web pages may send, their origins (`https://*.example.com` is understood). */
export const projectsConfig = z.record(
  projectId,
  z.strictObject({
    keys: z.array(keyConfig).max(1000).default([]),
    origins: z.array(z.string().min(1).max(253)).max(1000).optional(),
  }),
)
export type Projects = z.infer<typeof projectsConfig>

export interface AuthenticateOptions {
  readonly auth: Auth
  /** A snapshot of the configuration; asked at each request, so that a reload is followed. */
  readonly projects: () => Readonly<Record<string, { readonly origins?: readonly string[] | undefined }>>
  readonly keys: Pick<KeyRing, 'find'>
}

/** Whoever needs no key is `default`, and may do all: `open` is for one's own machine only. */
const anyone: Principal = { project: 'default', scope: 'admin', keyId: '' }

const allowed: Readonly<Record<Scope, readonly Scope[]>> = {
  write: ['write'],
  read: ['read'],
  admin: ['write', 'read', 'admin'],
}

export function createAuthenticate({ auth, projects, keys }: AuthenticateOptions): Authenticate {
  return function authenticate({ key: secret, origin, scope }) {
    const key = secret === undefined || secret === '' ? undefined : keys.find(secret)
    const principal = key === undefined ? undefined : { project: key.project, scope: key.scope, keyId: key.id }
    if (principal === undefined && auth === 'keys')
      throw new PipelineError(
        'unauthorized',
        secret === undefined || secret === ''
          ? `a ${scope} key is needed: send it as Authorization: Bearer <key>; make one with: millrace keys create`
          : 'this key is not known or was revoked; see: millrace keys list',
      )
    const who = principal ?? anyone
    if (!allowed[who.scope].includes(scope))
      throw new PipelineError('forbidden', `key ${who.keyId} has scope ${who.scope}, this needs ${scope}`)
    // Origins say which pages may send; the API's own rules (same origin) guard asking.
    if (scope === 'write' && origin !== undefined && origin !== '') {
      const origins = projects()[who.project]?.origins
      if (origins !== undefined && !origins.some((pattern) => matchesOrigin(pattern, origin)))
        throw new PipelineError(
          'forbidden',
          `project ${who.project} does not list the origin of this page in projects.${who.project}.origins`,
        )
    }
    return who
  }
}

/** `auth: open` on an address that others can reach would let everybody in. */
export function assertOpenIsLoopback(auth: Auth, key: string, host: string): void {
  if (auth === 'keys' || isLoopback(host)) return
  throw new PipelineError(
    'config',
    `auth: open is for loopback only, but ${key} is ${host}; set auth to keys (and make keys with: millrace keys create), or ${key} to 127.0.0.1`,
  )
}

export function isLoopback(host: string): boolean {
  const address = host.replace(/^\[(.*)\]$/, '$1').toLowerCase()
  if (address === 'localhost' || address === '::1') return true
  const mapped = address.startsWith('::ffff:') ? address.slice(7) : address
  return isIP(mapped) === 4 && mapped.startsWith('127.')
}

function matchesOrigin(pattern: string, origin: string): boolean {
  const wanted = pattern.toLowerCase()
  const given = origin.toLowerCase()
  if (wanted === '*' || wanted === given) return true
  const star = wanted.indexOf('*.')
  // The dot before the domain stays part of the match: `*.example.com` is neither example.com nor evilexample.com.
  return (
    star >= 0 &&
    given.startsWith(wanted.slice(0, star)) &&
    given.endsWith(wanted.slice(star + 1)) &&
    given.length > wanted.length - 1
  )
}
