import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** `run/<role>.json`: what the processes of one data directory tell each other. Written whole or not at all, readable by the owner only. */
export function writeRunFile(dataDir: string, role: string, value: unknown): void {
  const file = join(dataDir, 'run', `${role}.json`)
  writeFileSync(`${file}.new`, JSON.stringify(value), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** Undefined when there is none. */
export function readRunFile<T>(dataDir: string, name: string): T | undefined {
  try {
    return JSON.parse(readFileSync(join(dataDir, 'run', name), 'utf8')) as T
  } catch {
    return undefined
  }
}

/** What one process left; nothing when another of its kind has come since. */
export function removeRoleFiles(dataDir: string, role: string, pid: number | null): void {
  const run = join(dataDir, 'run')
  if (readRunFile<{ pid: number }>(dataDir, `${role}.pid`)?.pid !== pid) return
  for (const suffix of ['.pid', '.json', '-state.json']) rmSync(join(run, `${role}${suffix}`), { force: true })
}

/** After a stop nobody runs, so nothing here is true any more. */
export function removeRunFiles(dataDir: string): void {
  const run = join(dataDir, 'run')
  if (!existsSync(run)) return
  for (const name of readdirSync(run)) if (/\.(pid|json)$/.test(name)) rmSync(join(run, name), { force: true })
}
