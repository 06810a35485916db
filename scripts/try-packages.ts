/**
 * What `npm run build` has put into `dist/` is packed, installed in an empty folder and used as a stranger would: on the Node that the
 * checkout brings and, where it is new enough, on the system's own.
 *
 * npm installs the two packages offline. Their dependencies it finds already in place: the checkout's copies of what the lockfile
 * says is needed to run (hard links: they are 0.6 GB), and nothing that is only there for development.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import {
  cpSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

interface Ready {
  readonly collector: string
  readonly api: string
}

const root = join(import.meta.dirname, '..')
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'millrace-packages-')))
const script = join(folder, 'node_modules', 'millrace', 'bin', 'millrace.mjs')
/** Of each command, and of each Node's turn. */
const timeLimitMs = 60_000
let running: ChildProcess | undefined
process.on('exit', () => {
  running?.kill('SIGKILL') // its children end with it
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 })
})
// An end by signal runs the lines above, too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(1))

/** What others tell npm and Millrace shall not decide here. */
const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(npm_|MILLRACE_|NODE_)/i.test(name)))

writeProject()
install(pack())
compile()
for (const node of nodes()) await use(node)
process.stdout.write('packages: installed, started, one event stored and found, stopped\n')
process.exit()

/** What somebody has who wants to run Millrace in a project of theirs. */
function writeProject(): void {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'somebody', private: true, type: 'module' }))
  writeFileSync(
    join(folder, 'millrace.config.ts'),
    `import { defineConfig } from 'millrace'
export default defineConfig({
  dataDir: './events',
  logLevel: 'warn',
  collector: { port: 0, otlpPort: false, grpcPort: false },
  api: { port: 0 },
})
`,
  )
  writeFileSync(
    join(folder, 'protocol.ts'),
    `import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { columns, createUlid } from '@millrace/protocol'
const read = (path: string): string => readFileSync(fileURLToPath(import.meta.resolve(path)), 'utf8')
const schema: unknown = JSON.parse(read('@millrace/protocol/schema/event.schema.gen.json'))
const messages: boolean = /message EventsRecord /.test(read('@millrace/protocol/proto/millrace/v1/record.proto'))
process.stdout.write([typeof createUlid, columns.length > 100, typeof schema, messages].join(' '))
`,
  )
  writeFileSync(
    join(folder, 'transformers.ts'),
    `import { createTransformers, type EventColumns, TransformError, transformSegmentTrack } from 'millrace/transformers'
const registry = createTransformers()
const event: EventColumns = transformSegmentTrack({ event: 'Packed', userId: 'ada' }, 'shop')
const same = JSON.stringify(registry.transform('segment-track', { event: 'Packed', userId: 'ada' }, 'shop'))
let refused = false
try {
  registry.transform('segment-track', {})
} catch (error) {
  refused = error instanceof TransformError
}
process.stdout.write([event.event_name, same === JSON.stringify(event), refused, registry.size > 5].join(' '))
`,
  )
}

function pack(): string[] {
  const packages = ['millrace-protocol', 'millrace'].map((name) => join(root, 'dist', name))
  for (const path of packages) if (!existsSync(path)) throw new Error(`${path} is missing; \`npm run build\` makes it`)
  const said = npm(['pack', '--json', '--pack-destination', folder, ...packages])
  // A list by older npm, an object by name since npm 12.
  const all = Object.values(JSON.parse(said) as Record<string, { filename: string; size: number; files: unknown[] }>)
  for (const { filename, size, files } of all)
    process.stdout.write(`${filename}: ${files.length} files, ${Math.ceil(size / 1024)} kB\n`)
  return all.map(({ filename }) => join(folder, filename.replace('@', '').replace('/', '-')))
}

function install(tarballs: readonly string[]): void {
  placeDependencies()
  // Engine and platform are checked as strictly as npm can.
  const said = npm([
    'install',
    '--offline',
    '--engine-strict',
    '--ignore-scripts',
    '--no-audit',
    '--no-fund',
    ...tarballs,
  ])
  if (!/added 2 packages/.test(said)) throw new Error(`npm had to change more than the two packages:\n${said}`)
}

/** Every package that the lockfile calls needed to run and that was installed for this platform, with its commands. */
function placeDependencies(): void {
  const { packages } = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { dev?: boolean; link?: boolean }>
  }
  for (const [path, { dev, link }] of Object.entries(packages))
    if (path.startsWith('node_modules/') && dev !== true && link !== true && existsSync(join(root, path)))
      linkTree(join(root, path), join(folder, path))
  const commands = join(folder, 'node_modules', '.bin')
  mkdirSync(commands)
  for (const name of readdirSync(join(root, 'node_modules', '.bin'))) {
    const target = readlinkSync(join(root, 'node_modules', '.bin', name))
    if (existsSync(join(commands, target))) symlinkSync(target, join(commands, name))
  }
}

function linkTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const name of readdirSync(from)) {
    // Packages inside are entries of the lockfile themselves.
    if (name === 'node_modules') continue
    if (lstatSync(join(from, name)).isDirectory()) linkTree(join(from, name), join(to, name))
    else linkOrCopy(join(from, name), join(to, name))
  }
}

function linkOrCopy(from: string, to: string): void {
  try {
    linkSync(from, to)
  } catch {
    cpSync(from, to) // another file system
  }
}

/** The declarations fit each other and what they import, as a strict user's compiler sees them. */
function compile(): void {
  const types = ['--typeRoots', join(root, 'node_modules', '@types'), '--types', 'node']
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', ...types]
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  execFileSync(tsc, [...options, 'millrace.config.ts', 'protocol.ts', 'transformers.ts'], {
    cwd: folder,
    env,
    stdio: 'inherit',
    timeout: timeLimitMs,
  })
}

/** This one, and the one that a shell outside of npm's scripts would find, if it can run Millrace at all. */
function nodes(): string[] {
  const found = (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((path) => path !== '' && !path.includes('node_modules'))
    .map((path) => join(path, 'node'))
    .find((path) => existsSync(path) && statSync(path).isFile())
  if (found === undefined) return [process.execPath]
  const version = execFileSync(found, ['--version'], { encoding: 'utf8', env }).trim()
  const [major = 0, minor = 0] = version.slice(1).split('.').map(Number)
  if (major > 24 || (major === 24 && minor >= 11)) return [process.execPath, found]
  process.stdout.write(`the system's own Node is ${version}: not tried, Millrace needs 24.11\n`)
  return [process.execPath]
}

async function use(node: string): Promise<void> {
  const started = Date.now()
  const deadline = AbortSignal.timeout(timeLimitMs)
  const run = (...args: string[]): string =>
    execFileSync(node, args, {
      cwd: folder,
      env: { ...env, PATH: `${dirname(node)}:${env['PATH']}` },
      encoding: 'utf8',
      timeout: timeLimitMs,
    })
  const protocol = run('protocol.ts')
  if (protocol !== 'function true object true') throw new Error(`@millrace/protocol is not whole: ${protocol}`)
  const transformers = run('transformers.ts')
  if (transformers !== 'Packed true true true') throw new Error(`millrace/transformers is not whole: ${transformers}`)

  const { api, stop } = await start(node, deadline)
  const id = `pack-${process.pid}-${started}`
  const sent = run(script, 'send', JSON.stringify({ id, event_name: 'Packed' }), '--url', api)
  if (!/"stored":1\b/.test(sent)) throw new Error(`the event was not stored: ${sent}`)
  const sql = `select event_name from events where id = '${id}'`
  while (!run(script, 'query', sql, '--url', api).includes('"Packed"')) {
    deadline.throwIfAborted()
    await sleep(100)
  }
  await stop()
  const version = run('--version').trim()
  process.stdout.write(`Node ${version}: ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
}

async function start(node: string, deadline: AbortSignal): Promise<{ api: string; stop(): Promise<void> }> {
  const child = spawn(node, [script, 'start'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'inherit'] })
  running = child
  const ended = new Promise<string>((resolve) => child.once('exit', (code, signal) => resolve(`${signal ?? code}`)))
  const inTime = new Promise<never>((_, reject) => {
    deadline.addEventListener('abort', () => reject(new Error('not done after 60 s')), { once: true })
  })
  inTime.catch(() => {})
  const ready = new Promise<Ready>((resolve) => {
    let out = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
      const line = /^millrace ready (.*)\n/m.exec(out)?.[1]
      if (line !== undefined) resolve(JSON.parse(line) as Ready)
    })
  })
  const early = ended.then((how) => Promise.reject(new Error(`it ended with ${how} before it was ready`)))
  early.catch(() => {})
  const { api } = await Promise.race([ready, early, inTime])
  return {
    api,
    async stop() {
      child.kill('SIGTERM')
      const how = await Promise.race([ended, inTime])
      running = undefined
      if (how !== '0') throw new Error(`after SIGTERM it ended with ${how}, not with 0`)
    },
  }
}

function npm(args: readonly string[]): string {
  return execFileSync('npm', [...args, '--loglevel=error', '--cache', join(folder, '.npm')], {
    cwd: folder,
    env: { ...env, PATH: `${dirname(process.execPath)}:${env['PATH']}` },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    timeout: timeLimitMs,
  })
}
