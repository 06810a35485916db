import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CliError, exitCodes } from './exit.ts'

/** The benchmark lives in the checkout; the published package points there. */
export async function bench(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const main = join(import.meta.dirname, '..', '..', '..', '..', 'bench', 'main.ts')
  if (!existsSync(main))
    throw new CliError(
      'the benchmark is part of the source: clone the repository and run `npm run bench`',
      exitCodes.failure,
    )
  const args = [
    ...(flags['quick'] === true ? ['--quick'] : []),
    ...(flags['json'] === undefined ? [] : ['--json', String(flags['json'])]),
  ]
  const child = spawn(process.execPath, [main, ...args], { stdio: 'inherit' })
  process.exitCode = await new Promise<number>((resolve) => child.on('exit', (code) => resolve(code ?? 1)))
}
