import { forbiddenFields, recommendationSchemas } from '@millrace/protocol/recommendations'
import { type Issue, isObject, pointerKey } from './issues.ts'

/** Deeper than that the gate takes nothing anyway. */
const maxDepth = 64
const maxIssues = 20

/** However a name is spelled: `IP`, `e_mail`, `User-Agent`. */
const plain = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')
const forbidden: ReadonlySet<string> = new Set(forbiddenFields.map(plain))
/** Ends of names that say the same of somebody: `userEmail`, `client_ip_address`. */
const endings = ['email', 'emailaddress', 'phonenumber', 'ipaddress', 'useragent']
const address = /[^\s@<>"]+@[^\s@<>"]+\.[a-z]{2,}/i

/** Fields of class high, at any depth and in any spelling, and mail addresses in any text. Names of values only, never the values. */
export function personalData(event: Readonly<Record<string, unknown>>): readonly Issue[] {
  const issues: Issue[] = []
  look(event, [], issues)
  return issues
}

/** `path` leads to the value; it becomes a pointer only where there is something to say. */
function look(value: unknown, path: (string | number)[], issues: Issue[]): void {
  if (issues.length >= maxIssues || path.length > maxDepth) return
  if (typeof value === 'string') {
    if (value.includes('@') && address.test(value))
      issues.push(`${pointerOf(path)}: holds a mail address; leave it out or hash it`)
  } else if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      path.push(index)
      look(value[index], path, issues)
      path.pop()
    }
  } else if (isObject(value)) {
    for (const key in value) {
      path.push(key)
      if (harmless.has(key) || !isForbidden(key)) look(value[key], path, issues)
      else issues.push(`${pointerOf(path)}: personal data (class high) is not taken here; leave it out or hash it`)
      path.pop()
    }
  }
}

function pointerOf(path: readonly (string | number)[]): string {
  return path.map((part) => `/${typeof part === 'number' ? part : pointerKey(part)}`).join('')
}

function isForbidden(key: string): boolean {
  const name = plain(key)
  return forbidden.has(name) || endings.some((ending) => name.endsWith(ending))
}

/** Names that the schemas have themselves: most of an event's, and not to be spelled out for each. */
const harmless: ReadonlySet<string> = new Set(
  Object.values(recommendationSchemas)
    .flatMap((schema) => Object.keys((schema as { readonly properties: object }).properties))
    .filter((name) => !isForbidden(name)),
)
