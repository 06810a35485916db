import { forbiddenFields } from '@millrace/protocol/recommendations'
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
  look(event, '', 0, issues)
  return issues
}

function look(value: unknown, pointer: string, depth: number, issues: Issue[]): void {
  if (issues.length >= maxIssues || depth > maxDepth) return
  if (typeof value === 'string') {
    if (value.includes('@') && address.test(value))
      issues.push(`${pointer}: holds a mail address; leave it out or hash it`)
  } else if (Array.isArray(value)) {
    for (const [index, item] of value.entries()) look(item, `${pointer}/${index}`, depth + 1, issues)
  } else if (isObject(value)) {
    for (const key in value) {
      const at = `${pointer}/${pointerKey(key)}`
      if (isForbidden(key)) issues.push(`${at}: personal data (class high) is not taken here; leave it out or hash it`)
      else look(value[key], at, depth + 1, issues)
    }
  }
}

function isForbidden(key: string): boolean {
  const name = plain(key)
  return forbidden.has(name) || endings.some((ending) => name.endsWith(ending))
}
