import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import type { Scope } from '../core/principal.ts'
import type { Service } from '../core/service.ts'
import { createKey, createKeyRing, listKeys, revokeKey } from '../kv/key-ring.ts'
import type { State } from '../kv/state.ts'
import { testDeps, testNow } from '../testing/gate-under-test.ts'
import { memoryState } from '../testing/memory-state.ts'
import { assertOpenIsLoopback, createAuthenticate, isLoopback, type Projects, projectsConfig } from './authenticate.ts'

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

const projects: Projects = projectsConfig.parse({
  shop: {
    keys: [
      { id: 'w', scope: 'write', sha256: sha256('write-secret') },
      { id: 'r', scope: 'read', sha256: sha256('read-secret') },
      { id: 'a', scope: 'admin', sha256: sha256('admin-secret').toUpperCase() },
    ],
    origins: ['https://shop.example.com', 'https://*.example.org'],
  },
  blog: {},
})

const running: Service[] = []
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop()
})

async function authenticator(auth: 'open' | 'keys', state: State = memoryState()) {
  const keys = createKeyRing({ state, projects: () => projects, deps: testDeps() })
  running.push(keys)
  await keys.start(AbortSignal.timeout(1000))
  return createAuthenticate({ auth, projects: () => projects, keys })
}

describe('authenticate', () => {
  it('finds the project by the key alone, and holds each scope to what it may', async () => {
    const authenticate = await authenticator('keys')
    const allowed = { write: ['write'], read: ['read'], admin: ['write', 'read', 'admin'] }
    for (const [scope, may] of Object.entries(allowed))
      for (const wanted of ['write', 'read', 'admin'] as Scope[]) {
        const ask = () => authenticate({ key: `${scope}-secret`, scope: wanted })
        if (may.includes(wanted)) expect(ask()).toEqual({ project: 'shop', scope, keyId: scope[0] })
        else expect(ask).toThrow(expect.objectContaining({ code: 'forbidden' }))
      }
  })

  it('refuses no key, an empty and a wrong one, and never repeats it', async () => {
    const authenticate = await authenticator('keys')
    for (const key of [undefined, '', 'wrong-secret', 'write-secret ', 'x'.repeat(100_000)]) {
      const ask = () => authenticate({ scope: 'write', ...(key === undefined ? {} : { key }) })
      expect(ask).toThrow(expect.objectContaining({ code: 'unauthorized' }))
      expect(ask).not.toThrow(/wrong-secret/)
    }
  })

  it('lets only the listed pages send, and servers, which name none', async () => {
    const authenticate = await authenticator('keys')
    const from = (origin: string) => () => authenticate({ key: 'write-secret', scope: 'write', origin })
    for (const origin of ['', 'https://shop.example.com', 'https://SHOP.example.com', 'https://a.b.example.org'])
      expect(from(origin)).not.toThrow()
    for (const origin of [
      'http://shop.example.com',
      'https://example.org',
      'https://evilexample.org',
      'https://shop.example.com.evil.io',
      'null',
    ])
      expect(from(origin)).toThrow(expect.objectContaining({ code: 'forbidden' }))
  })

  it('takes anybody as default when open, and a known key for its project', async () => {
    const authenticate = await authenticator('open')
    expect(authenticate({ scope: 'write' })).toMatchObject({ project: 'default', keyId: '' })
    expect(authenticate({ scope: 'write', key: 'anything' })).toMatchObject({ project: 'default' })
    expect(authenticate({ scope: 'write', key: 'write-secret' })).toMatchObject({ project: 'shop', keyId: 'w' })
  })

  it('opens only to loopback', () => {
    for (const host of ['127.0.0.1', '127.9.9.9', 'localhost', '::1', '[::1]', '::ffff:127.0.0.1'])
      expect(isLoopback(host)).toBe(true)
    for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil.io', 'example.com', '']) {
      expect(isLoopback(host)).toBe(false)
      expect(() => assertOpenIsLoopback('open', 'collector.host', host)).toThrow(/collector\.host/)
      expect(() => assertOpenIsLoopback('keys', 'collector.host', host)).not.toThrow()
    }
  })
})

describe('key ring', () => {
  it('takes a new key and ends a revoked one within a second', async () => {
    const state = memoryState()
    const authenticate = await authenticator('keys', state)
    const key = await createKey(state, 'blog', 'write', testNow)
    expect(key.secret).toMatch(/^mr_write_[\w-]{43}$/)
    const ask = () => authenticate({ key: key.secret, scope: 'write' })
    await expect.poll(ask, { timeout: 1000, interval: 20 }).toEqual({ project: 'blog', scope: 'write', keyId: key.id })
    await revokeKey(state, key.id, testNow + 5)
    await expect.poll(() => wasRefused(ask), { timeout: 1000, interval: 20 }).toBe(true)
    expect(await listKeys(state, 'blog')).toEqual([
      { project: 'blog', id: key.id, scope: 'write', createdAt: testNow, revokedAt: testNow + 5 },
    ])
    expect((await revokeKey(state, key.id, testNow + 9)).revokedAt).toBe(testNow + 5)
  })

  it('keeps no secret in state', async () => {
    const state = memoryState()
    const { secret } = await createKey(state, 'blog', 'admin', testNow)
    for (const { value } of await state.list('')) expect(Buffer.from(value).includes(secret.slice(9, 20))).toBe(false)
  })

  it('knows keys of projects that are configured, and of default', async () => {
    const state = memoryState()
    const gone = await createKey(state, 'gone', 'write', testNow)
    const standard = await createKey(state, 'default', 'write', testNow)
    const authenticate = await authenticator('keys', state)
    expect(() => authenticate({ key: gone.secret, scope: 'write' })).toThrow(
      expect.objectContaining({ code: 'unauthorized' }),
    )
    expect(authenticate({ key: standard.secret, scope: 'write' }).project).toBe('default')
  })

  it('says which key cannot be revoked', async () => {
    await expect(revokeKey(memoryState(), 'nope', testNow)).rejects.toMatchObject({ code: 'not_found' })
  })

  it('goes on with the last keys while state is away', async () => {
    const state = memoryState()
    let isAway = false
    const flaky: State = {
      ...state,
      list: (prefix) => (isAway ? Promise.reject(new Error('away')) : state.list(prefix)),
    }
    const authenticate = await authenticator('keys', flaky)
    isAway = true
    await new Promise((resolve) => setTimeout(resolve, 600))
    expect(authenticate({ key: 'write-secret', scope: 'write' }).project).toBe('shop')
  })
})

function wasRefused(ask: () => unknown): boolean {
  try {
    ask()
    return false
  } catch {
    return true
  }
}
