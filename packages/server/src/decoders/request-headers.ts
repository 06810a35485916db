import { setKey } from './issues.ts'

/**
 * Headers of somebody's request, as they may be kept: without what logs in and without addresses of people. The rule is
 * Cloudflare's own for its tail: a name that speaks of a secret, whatever its value.
 */
export function keptHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const kept: Record<string, unknown> = {}
  for (const name in headers) {
    if (!isSecretHeader(name) && !isAddressHeader(name)) setKey(kept, name, headers[name])
  }
  return kept
}

const secret = /auth|cookie|credential|jwt|key|passw|secret|session|signature|token/i

export function isSecretHeader(name: string): boolean {
  return secret.test(name)
}

const addresses: ReadonlySet<string> = new Set([
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-connecting-o2o',
  'cf-pseudo-ipv4',
  'client-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'forwarded',
  'true-client-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forwarded-for',
  'x-original-forwarded-for',
  'x-real-ip',
])

function isAddressHeader(name: string): boolean {
  return addresses.has(name.toLowerCase())
}
