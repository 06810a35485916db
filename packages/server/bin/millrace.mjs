#!/usr/bin/env node
// Finds a Node that can run Millrace and hands over. Plain JavaScript that an old Node can parse.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const here = dirname(fileURLToPath(import.meta.url))
const [major, minor] = process.versions.node.split('.').map(Number)

if (major > 24 || (major === 24 && minor >= 11)) {
  // Stripping types costs each process 30 MB and 0.3 s; what was stripped once is kept beside the package (if that is writable).
  process.env.NODE_COMPILE_CACHE ??= join(here, '..', '.compile-cache')
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE)
  const source = join(here, '..', 'src', 'cli', 'main.ts')
  const entry = existsSync(source) ? source : join(here, '..', 'dist', 'cli', 'main.js')
  await import(pathToFileURL(entry).href)
} else {
  const node = findNode(here)
  if (node === undefined) {
    process.stderr.write(
      `millrace needs Node 24.11 or newer, this is ${process.versions.node}; \`npm install node@24\` brings one\n`,
    )
    process.exit(1)
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}

/** The npm package `node`, in this folder's node_modules or one above. */
function findNode(folder) {
  for (let at = folder; ; at = dirname(at)) {
    const candidate = join(at, 'node_modules', 'node', 'bin', 'node')
    if (existsSync(candidate)) return candidate
    if (dirname(at) === at) return undefined
  }
}
