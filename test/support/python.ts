import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hasCommand } from './service-process.ts'

/** A Python with packages, or why there is none. */
export type TestPython = { readonly python: string } | { readonly missing: string }

/**
 * Python in an environment of its own, with these packages as `pip` names them (`posthog==7.0.0`). Kept in the system's temporary folder
 * between runs; `missing` when there is no Python, or the packages cannot be fetched.
 */
export function pythonWith(packages: readonly string[]): TestPython {
  if (!hasCommand('python3')) return { missing: 'python3 is not installed: apt-get install python3 python3-venv' }
  const name = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 16)
  const folder = join(tmpdir(), `millrace-test-python-${name}`)
  const python = join(folder, 'bin/python3')
  if (existsSync(join(folder, 'complete'))) return { python }
  // An environment knows where it stands, so it is made in place; a mark that comes last says that it is whole.
  rmSync(folder, { recursive: true, force: true })
  const made = spawnSync('python3', ['-m', 'venv', folder], { encoding: 'utf8', timeout: 60_000 })
  if (made.status !== 0)
    return { missing: `python3 -m venv failed: apt-get install python3-venv (${tail(made.stderr)})` }
  const pip = spawnSync(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], {
    encoding: 'utf8',
    timeout: 180_000,
  })
  if (pip.status !== 0) return { missing: `pip cannot install ${packages.join(', ')}: ${tail(pip.stderr)}` }
  execFileSync('touch', [join(folder, 'marking')])
  renameSync(join(folder, 'marking'), join(folder, 'complete'))
  return { python }
}

/** What a program prints; rejects with the end of its complaints when it fails. */
export function runPython(python: string, program: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, ['-c', program], { stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let errors = ''
    child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
    child.once('error', reject)
    child.once('exit', (code) => (code === 0 ? resolve(out) : reject(new Error(errors.slice(-2000)))))
  })
}

function tail(text: string | null): string {
  return (text ?? '').trim().split('\n').at(-1)?.slice(0, 200) ?? ''
}
