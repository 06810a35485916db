import { describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import type { Authenticate, Principal, Scope } from '../core/principal.ts'
import { createApiAuth } from './auth.ts'

const keys: Readonly<Record<string, Principal>> = {
  w: { project: 'shop', scope: 'write', keyId: 'w1' },
  r: { project: 'shop', scope: 'read', keyId: 'r1' },
  a: { project: 'shop', scope: 'admin', keyId: 'a1' },
}

/** Keeps the contract of `Authenticate`, over the three keys above. */
const authenticate: Authenticate = ({ key, scope }) => {
  const principal = key === undefined ? undefined : keys[key]
  if (principal === undefined) throw new PipelineError('unauthorized', 'a key is needed')
  if (principal.scope !== 'admin' && principal.scope !== scope)
    throw new PipelineError('forbidden', 'not with this key')
  return principal
}

function asker(mode: 'open' | 'keys') {
  const auth = createApiAuth({ mode, authenticate, projects: ['default', 'shop', 'blog'] })
  return (headers: Record<string, string>, query: Record<string, unknown> = {}, scope: Scope = 'read') => {
    try {
      return auth({ headers, query }, scope).project
    } catch (error) {
      return (error as PipelineError).code
    }
  }
}

describe('auth: open', () => {
  const ask = asker('open')

  it.each(['127.0.0.1:8089', 'localhost:8089', 'LOCALHOST', '[::1]:8089', '[::1]', '127.0.0.1', '127.9.9.9:1'])(
    'answers when the Host is %s',
    (host) => expect(ask({ host })).toBe('default'),
  )

  it.each([
    'evil.example',
    'evil.example:8089',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example:8089:127.0.0.1',
    'localhost:8089@evil.example',
    '10.0.0.1:8089',
    '0.0.0.0:8089',
    '[::]:8089',
    '127.0.0.1:8089/x',
    '',
  ])('refuses the Host %j: a name that was rebound to this machine', (host) => expect(ask({ host })).toBe('forbidden'))

  it('refuses a request without a Host', () => expect(ask({})).toBe('forbidden'))

  it.each([
    ['http://127.0.0.1:8089', 'default'],
    ['HTTP://127.0.0.1:8089', 'default'],
    ['http://evil.example', 'forbidden'],
    ['http://localhost:8089', 'forbidden'],
    ['http://127.0.0.1', 'forbidden'],
    ['http://127.0.0.1:3000', 'forbidden'],
    ['http://127.0.0.1:8089.evil.example', 'forbidden'],
    ['null', 'forbidden'],
    ['', 'forbidden'],
  ])('with the Origin %j at 127.0.0.1:8089: %s', (origin, answer) =>
    expect(ask({ host: '127.0.0.1:8089', origin })).toBe(answer),
  )

  it('is admin of every project of the configuration, and of no other', () => {
    const headers = { host: 'localhost' }
    expect(ask(headers, { project: 'blog' }, 'admin')).toBe('blog')
    expect(ask(headers, { project: '' })).toBe('default')
    expect(ask(headers, { project: 'nope' })).toBe('not_found')
    expect(ask(headers, { project: ['shop', 'blog'] })).toBe('not_found')
    expect(ask(headers, { project: '__proto__' })).toBe('not_found')
  })
})

describe('auth: keys', () => {
  const ask = asker('keys')
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })

  it.each([
    ['Bearer', { authorization: 'Bearer r' }],
    ['bearer, with more space', { authorization: 'bearer   r ' }],
    ['Basic as user', basic('r:')],
    ['Basic as password', basic(':r')],
    ['x-api-key', { 'x-api-key': 'r' }],
  ])('takes the key as %s', (_, headers) => expect(ask(headers as Record<string, string>)).toBe('shop'))

  it.each([
    [{}],
    [{ authorization: 'Bearer' }],
    [{ authorization: 'Bearer x' }],
    [{ authorization: 'Digest r' }],
    [{ authorization: 'r' }],
    [{ authorization: 'Basic %%%' }],
    [{ authorization: 'Bearer x', 'x-api-key': 'r' }],
  ])('refuses %j', (headers) => expect(ask(headers as Record<string, string>)).toBe('unauthorized'))

  it('lets a read key ask, an admin key do all, and a write key neither', () => {
    const scopes = (key: string) =>
      (['read', 'admin'] as const).map((scope) => ask({ authorization: `Bearer ${key}` }, {}, scope))
    expect(scopes('w')).toEqual(['forbidden', 'forbidden'])
    expect(scopes('r')).toEqual(['shop', 'forbidden'])
    expect(scopes('a')).toEqual(['shop', 'shop'])
  })

  it('asks about another project only with an admin key, and tells nobody else which there are', () => {
    const as = (key: string, project: string) => ask({ authorization: `Bearer ${key}` }, { project })
    expect(as('a', 'blog')).toBe('blog')
    expect(as('a', 'nope')).toBe('not_found')
    expect(as('r', 'shop')).toBe('shop')
    expect(as('r', 'blog')).toBe('forbidden')
    expect(as('r', 'nope')).toBe('forbidden')
  })

  it('does not mind the Host: the key is the proof', () => {
    expect(ask({ host: 'api.example.com', authorization: 'Bearer r' })).toBe('shop')
  })
})
