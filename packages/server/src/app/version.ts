import { readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Of the package, from its package.json: two folders up, in the sources as in `dist`. */
export const version = (
  JSON.parse(readFileSync(join(import.meta.dirname, '..', '..', 'package.json'), 'utf8')) as { version: string }
).version
