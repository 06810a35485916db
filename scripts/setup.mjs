// What every npm script does first, on any Node >= 18: install what the lockfile says, find the Node that Millrace runs on.
// Plain JavaScript without dependencies, because nothing is installed yet.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
const stamp = join(root, 'node_modules', '.millrace-installed')
/** Node 24, which comes as the dev dependency `node`. */
export const node = join(root, 'node_modules', 'node', 'bin', 'node')

export function setUp() {
  refusePlatform()
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .update(process.platform + process.arch)
    .digest('hex')
  const installed = existsSync(stamp) ? readFileSync(stamp, 'utf8') : ''
  if (installed === wanted && existsSync(node)) return
  process.stderr.write('millrace: installing dependencies (about 30 s and 1.1 GB, once) …\n')
  // Not `npm ci`: it refuses a lockfile that was made where packages of other platforms could not be seen. Versions are the lockfile's.
  const npm = spawnSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    // `npm start` hands its own settings down; a nested npm must not take them for its command line.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))),
  })
  if (npm.status !== 0 || !existsSync(node)) {
    process.stderr.write('millrace: the install failed; run `npm install` here to see why\n')
    process.exit(1)
  }
  warmUp()
  writeFileSync(stamp, wanted)
}

/**
 * One start and stop in a temporary folder: what the processes strip and compile is kept (bin/millrace.mjs), so that already the
 * user's first start is quick and small. Best effort: without it nothing else changes.
 */
function warmUp() {
  const data = mkdtempSync(join(tmpdir(), 'millrace-warm-'))
  const script = join(root, 'packages', 'server', 'bin', 'millrace.mjs')
  const ports = [
    '--port',
    '0',
    '--api-port',
    '0',
    '--set',
    'collector.otlpPort=false',
    '--set',
    'collector.grpcPort=false',
  ]
  const until = `
    const child = require('node:child_process').spawn(process.execPath, ${JSON.stringify([script, 'start', '--data', data, ...ports])}, { stdio: ['ignore', 'pipe', 'ignore'], cwd: ${JSON.stringify(data)} })
    child.stdout.on('data', () => setTimeout(() => child.kill('SIGTERM'), 300))
    child.on('exit', () => process.exit())`
  spawnSync(node, ['-e', until], { stdio: 'ignore', timeout: 20_000 })
  rmSync(data, { recursive: true, force: true })
}

function refusePlatform() {
  const ok = process.platform === 'darwin' || (process.platform === 'linux' && !isMusl())
  if (ok) return
  process.stderr.write(
    'millrace: runs on Linux (glibc) and macOS, x64 and arm64; on Windows use WSL2, on Alpine a glibc image\n',
  )
  process.exit(1)
}

function isMusl() {
  return process.report?.getReport().header.glibcVersionRuntime === undefined
}

/** The environment of everything we run: our Node first on PATH. */
export function environment(extra = {}) {
  return { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH ?? ''}`, ...extra }
}
