import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Files under `folder` whose bytes hold `text`. Files that go away meanwhile (merges, temporary ones) hold nothing. */
export function filesWith(folder: string, text: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => {
      try {
        return readFileSync(file).includes(text)
      } catch {
        return false
      }
    })
}
