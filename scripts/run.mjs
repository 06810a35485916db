// `node scripts/run.mjs FILE.ts [arguments]`: set up, then run a TypeScript tool of this checkout on our Node.
import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { join } from 'node:path'
import { environment, node, root, setUp } from './setup.mjs'

const [file, ...args] = process.argv.slice(2)
setUp()
const child = spawn(node, [join(root, file), ...args], { cwd: root, stdio: 'inherit', env: environment() })
// The child decides how to end: a terminal's Ctrl-C reaches it by itself, a SIGTERM is passed on.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => child.kill('SIGTERM'))
child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
