import type { z } from 'zod'
import { type Setting, type Tree, isTree, valueAt } from './config-paths.ts'
import type { Origins } from './config-sources.ts'
import { didYouMean } from './did-you-mean.ts'

/** One line per problem: the key, what is expected, the value, and where the value came from. */
export function explain(error: z.ZodError, tree: Tree, origins: Origins, settings: readonly Setting[]): string {
  const lines = error.issues.flatMap((issue) => {
    const path = issue.path.map(String)
    if (issue.code === 'unrecognized_keys')
      return issue.keys.map((key) => {
        const at = [...path, key]
        return `${at.join('.')}: ${unknown(at, valueAt(tree, at), settings)}${from(at, origins)}`
      })
    const key = path.length === 0 ? 'configuration' : path.join('.')
    return [`${key}: ${expectation(issue)} (got ${shownValue(path, valueAt(tree, path))})${from(path, origins)}`]
  })
  return lines.join('\n')
}

/** A value as it may be shown to anybody: secrets hidden, of URLs the password, long texts cut. */
function shownValue(path: readonly string[], value: unknown): string {
  if (value === undefined) return 'nothing'
  if (Array.isArray(value)) return `a list of ${value.length}`
  if (isTree(value)) return 'an object'
  if (isSecret(path, value)) return 'a hidden value'
  const text = JSON.stringify(value)
  return text.length > 120 ? `${text.slice(0, 119)}…` : text
}

/**
 * Whether a leaf may be somebody's secret. Anything under `projects` but names and origins, because people put the secret
 * itself where its hash belongs; logins of the store's users; a PEM text where a path is usual; a URL that carries a password.
 */
export function isSecret(path: readonly string[], value: unknown): boolean {
  if (path.some((key) => /password|secret|sha256/i.test(key))) return true
  if (path[1] === 'asking') return path.at(-1) !== 'user'
  if (path[0] === 'projects') return !(path[2] === 'origins' || path[4] === 'scope' || path[4] === 'id')
  if (path.includes('tls')) return typeof value === 'string' && value.includes('-----BEGIN')
  return path.at(-1) === 'url' && typeof value === 'string' && value.includes('@')
}

function expectation(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => message).join(', ')
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return plain(issue.message)
  const all = issue.errors.flatMap((branch) => branch.map((each) => plain(expectation(each))))
  return `expected ${[...new Set(all.map((each) => each.replace(/^expected /, '').replace(/, received .*$/, '')))].join(' or ')}`
}

/** zod's own messages begin with a headline of theirs. */
function plain(message: string): string {
  return message
    .replace(/^(Invalid input|Invalid option|Too small|Too big): /, '')
    .replace(/^Invalid discriminator value\. Expected /, 'expected ')
}

/** With the keys that are known there, a near one beside it, else the same name elsewhere. */
function unknown(path: readonly string[], value: unknown, settings: readonly Setting[]): string {
  const got = gotUnknown(path, value)
  if (settings.some((setting) => setting.path.join('.') === path.join('.')))
    return `does not go with the driver that is chosen here${got}`
  const key = path.at(-1)!
  const depth = path.length - 1
  const beside = [
    ...new Set(
      settings
        .filter(({ path: known }) => known.length > depth && path.slice(0, -1).every((part, at) => known[at] === part))
        .map(({ path: known }) => known[depth]!),
    ),
  ]
  const expected = beside.length === 0 ? '' : `, expected one of ${beside.join(', ')}`
  const near = didYouMean(key, beside)
  if (near !== '') return `unknown key${got}${expected}${near}`
  const elsewhere = settings.filter(({ path: known }) => known.at(-1) === key).map(({ path: known }) => known.join('.'))
  return `unknown key${got}${expected}${elsewhere.length === 0 ? '' : `; did you mean ${elsewhere.join(' or ')}?`}`
}

/** The value of a key that nobody knows, which may be a secret's all the same. */
export function gotUnknown(path: readonly string[], value: unknown): string {
  return ` (got ${mayNameSecret.test(path.join('.')) ? 'a hidden value' : shownValue(path, value)})`
}

/** A misspelt `password` is no known secret, and one all the same. */
const mayNameSecret = /pa?s+w|paswd|pwd|secret|token|key|cred|auth|login|sha/i

/** The origin of the key itself, else of what it stands in, else of what stands in it or beside it. */
function from(path: readonly string[], origins: Origins): string {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(path.slice(0, length).join('.'))
    if (origin !== undefined) return ` — from ${origin}`
  }
  for (const prefix of [path, path.slice(0, -1)]) {
    if (prefix.length === 0) continue
    const near = [...origins].find(([key]) => key.startsWith(`${prefix.join('.')}.`))
    if (near !== undefined) return ` — from ${near[1]}`
  }
  return ''
}
