import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { PipelineError } from '../../../core/errors.ts'

/** Path of the ClickHouse library that npm installed for this platform. */
export function findEngineLibrary(): string {
  const libc = process.platform === 'linux' ? '-gnu' : ''
  const name = `@chdb/lib-${process.platform}-${process.arch}${libc}`
  try {
    const file = join(dirname(createRequire(import.meta.url).resolve(`${name}/package.json`)), 'libchdb.so')
    if (existsSync(file)) return file
  } catch {
    // said below
  }
  throw new PipelineError(
    'config',
    `no built-in ClickHouse for ${process.platform}/${process.arch} (npm package ${name} is not installed): it runs on Linux with glibc and on macOS, x64 and arm64; on Windows use WSL2, elsewhere set store.driver to server and store.url to a ClickHouse server`,
  )
}
