/**
 * Checks the licence of every package in the lockfile (all platforms, not only this one) against an allow-list and
 * writes THIRD_PARTY_NOTICES. `--check` fails when the file is not what would be written.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const allowed = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'Unlicense',
  'CC0-1.0',
  'BlueOak-1.0.0',
  'Python-2.0',
  'Zlib',
])
/** Licences read by hand, for packages that name a file instead of an SPDX expression. */
const read: Readonly<Record<string, string>> = {
  '@segment/facade@3.4.10': 'MIT',
  '@segment/isodate@1.0.3': 'MIT',
  '@segment/isodate-traverse@1.1.1': 'MIT',
  'new-date@1.0.3': 'MIT',
}
/** Tools that only build or test and are never shipped: weak copyleft is acceptable there. */
const allowedForTools = new Set(['MPL-2.0', 'CC-BY-3.0', 'CC-BY-4.0'])

interface LockEntry {
  readonly version?: string
  readonly license?: string
  readonly dev?: boolean
  readonly link?: boolean
}

const root = join(import.meta.dirname, '..')
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
  packages: Record<string, LockEntry>
}
const rows: string[] = []
const refused: string[] = []
for (const [path, entry] of Object.entries(lock.packages)) {
  const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
  if (!path.includes('node_modules/') || entry.link === true) continue
  const licence = read[`${name}@${entry.version}`] ?? entry.license ?? 'none'
  if (!accepted(licence, entry.dev === true)) refused.push(`${name}@${entry.version}: ${licence}`)
  if (entry.dev !== true) rows.push(`${name} ${entry.version}: ${licence}`)
}

/** An SPDX expression: every part of an AND, one part of an OR. */
function accepted(expression: string, dev: boolean): boolean {
  return expression
    .replaceAll(/[()]/g, '')
    .split(' AND ')
    .every((all) =>
      all.split(' OR ').some((one) => allowed.has(one.trim()) || (dev && allowedForTools.has(one.trim()))),
    )
}

if (refused.length > 0) {
  process.stderr.write(`licences not on the allow-list:\n  ${refused.join('\n  ')}\n`)
  process.exit(1)
}
const notices = `Millrace ships or installs these packages; their licence texts are in each package's folder.\n\n${[...new Set(rows)].sort().join('\n')}\n`
const file = join(root, 'THIRD_PARTY_NOTICES')
if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== notices) {
    process.stderr.write('THIRD_PARTY_NOTICES is out of date: run `node scripts/licences.ts`\n')
    process.exit(1)
  }
} else writeFileSync(file, notices)
process.stdout.write(`${rows.length} shipped packages, every licence allowed\n`)
