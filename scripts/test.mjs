// `npm test [-- --install] [--only STEP …]`: everything that must hold, in one run. Last line: N passed, N failed, N skipped.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { environment, node, root, setUp } from './setup.mjs'
import { systemTools } from './system-tools.mjs'

const args = process.argv.slice(2)
const only = args.flatMap((arg, at) => (arg === '--only' ? [args[at + 1] ?? ''] : []))
setUp()
const scratch = mkdtempSync(join(tmpdir(), 'millrace-test-'))
process.on('exit', () => rmSync(scratch, { recursive: true, force: true }))
const bin = (name) => join(root, 'node_modules', '.bin', name)
const totals = { passed: 0, failed: 0, skipped: 0 }
const failures = []

const steps = [
  ['types', [bin('tsc'), '-p', 'tsconfig.json']],
  ['lint', [bin('oxlint'), '--type-aware', '--deny-warnings']],
  ['format', [bin('biome'), 'format', '.']],
  ['unused', [bin('knip')]],
  ['licences', [node, 'scripts/licences.ts', '--check']],
  ['unit', vitest('unit')],
  [
    'pack',
    [node, 'scripts/build.ts'],
    [bin('publint'), 'run', 'dist/millrace-protocol', '--strict'],
    [bin('publint'), 'run', 'dist/millrace', '--strict'],
    [node, 'scripts/try-packages.ts'],
  ],
  ['drivers', vitest('drivers')],
  ['chaos', [node, 'chaos/main.ts', '--kills', '10', '--seed', '1']],
  ['chaos-kafka', [node, 'chaos/main.ts', '--log', 'kafka', '--kills', '5', '--seed', '1']],
]

const names = steps.map(([name]) => name)
const unknown = args.filter((arg, at) => arg !== '--install' && arg !== '--only' && args[at - 1] !== '--only')
for (const name of [...unknown, ...only.filter((name) => !names.includes(name))]) {
  process.stderr.write(`unknown: ${JSON.stringify(name)}; expected --install or --only ${names.join('|')}\n`)
  process.exit(2)
}
// Only suites need tools of the system, so that linting alone installs nothing.
const needsTools = only.length === 0 || only.includes('drivers') || only.includes('chaos-kafka')
const missing = needsTools ? systemTools(args.includes('--install') || Boolean(process.env.CI)) : []

for (const [name, ...commands] of steps) {
  if (only.length > 0 && !only.includes(name)) continue
  const started = Date.now()
  process.stdout.write(`\n── ${name} ──\n`)
  let code = 0
  for (const command of commands) code ||= await run(command)
  const counts = countsOf(name, code)
  totals.passed += counts.passed
  totals.failed += counts.failed
  totals.skipped += counts.skipped
  if (counts.failed > 0) failures.push(name)
  const verdict = code === 0 ? 'ok' : counts.failed === 0 ? 'SKIPPED' : `FAILED (exit ${code})`
  process.stdout.write(`── ${name}: ${verdict} in ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
}
process.stdout.write('\n')
for (const line of missing) process.stdout.write(`${line}\n`)
if (failures.length > 0) process.stdout.write(`failed: ${failures.join(', ')}\n`)
process.stdout.write(`${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped\n`)
process.exit(totals.failed > 0 ? 1 : 0)

function vitest(project) {
  const report = join(scratch, `${project}.json`)
  return [
    node,
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]
}

/** A tool counts as one test; vitest says how many it ran. A run that executed nothing has failed. */
function countsOf(name, code) {
  // It says what is missing.
  if (name === 'chaos-kafka' && code === 2) return { passed: 0, failed: 0, skipped: 1 }
  const report = join(scratch, `${name}.json`)
  if (!existsSync(report)) return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 }
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(readFileSync(report, 'utf8'))
  const failed = numFailedTests > 0 ? numFailedTests : code === 0 && numPassedTests > 0 ? 0 : 1
  return { passed: numPassedTests, failed, skipped: numPendingTests + numTodoTests }
}

function run([file, ...rest]) {
  return new Promise((resolve) => {
    const child = spawn(file, rest, {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      // What we read is a report, so colours are only for people.
      env: environment(process.stdout.isTTY ? {} : { NO_COLOR: '1' }),
    })
    child.on('error', () => resolve(127))
    child.on('exit', (code) => resolve(code ?? 1))
  })
}
