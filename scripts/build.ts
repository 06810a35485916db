/**
 * `npm run build`: writes into `dist/` one folder per package, ready for `npm pack` and `npm publish`:
 *
 *   dist/millrace/            package.json  README.md  LICENSE  THIRD_PARTY_NOTICES  bin/  dist/**.js
 *   dist/millrace-protocol/   package.json  README.md  LICENSE  proto/  schema/  dist/**.{js,d.ts}
 *
 * `dist/` of a package has the same files in the same folders as its `src/`, because processes and threads are started by path.
 * The manifests of the checkout point at the sources and are private; those that are written here say what is in the folder.
 */
import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string>>
  readonly files: readonly string[]
  private?: boolean
  devDependencies?: Readonly<Record<string, string>>
}

const root = join(import.meta.dirname, '..')
const out = join(root, 'dist')
/** Never part of a package; `tsconfig.build.json` excludes the same, unless something that is published imports it. */
const notPublished = /(^|\/)(testing|testdata)\/|\.(test|contract|fixture)\./
const relativeImport = /(from |import\(|import )(['"])(\.{1,2}\/[^'"]+)\.ts(?=\2)/g

mkdirSync(out, { recursive: true })
const compiled = mkdtempSync(join(out, 'compiling-'))
try {
  const tsc = join(root, 'node_modules', '.bin', 'tsc')
  execFileSync(tsc, ['-p', 'tsconfig.build.json', '--outDir', compiled], { cwd: root, stdio: 'inherit' })
  for (const folder of ['protocol', 'server']) build(join(root, 'packages', folder), join(compiled, folder, 'src'))
} catch (error) {
  // The compiler has said what is wrong with the sources.
  if (!(error instanceof Error && 'status' in error)) throw error
  process.exitCode = 1
} finally {
  rmSync(compiled, { recursive: true, force: true })
}

function build(folder: string, javaScript: string): void {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
  const target = join(out, manifest.name.replace('@', '').replace('/', '-'))
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target)

  for (const file of ownFiles(join(folder, 'src'))) copy(join(folder, 'src', file), join(target, 'dist', file))
  const entries = Object.values(manifest.exports).filter((path) => path.endsWith('.ts'))
  const declarations = reachable(javaScript, entries.map(declarationOf))
  for (const file of globSync('**/*.js', { cwd: javaScript })) {
    if (notPublished.test(file)) throw new Error(`${relative(root, folder)}: what is published imports src/${file}`)
    copy(join(javaScript, file), join(target, 'dist', file))
  }
  for (const file of declarations) {
    mkdirSync(dirname(join(target, 'dist', file)), { recursive: true })
    writeFileSync(join(target, 'dist', file), asPublished(readFileSync(join(javaScript, file), 'utf8')))
  }

  for (const path of manifest.files.filter((file) => file !== 'src')) copy(join(folder, path), join(target, path))
  copy(join(folder, 'README.md'), join(target, 'README.md'))
  copy(join(root, 'LICENSE'), join(target, 'LICENSE'))
  if ('bin' in manifest) copy(join(root, 'THIRD_PARTY_NOTICES'), join(target, 'THIRD_PARTY_NOTICES'))
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(published(manifest), undefined, 2)}\n`)
  process.stdout.write(
    `${relative(root, target)}: ${globSync('**/*.js', { cwd: target }).length} modules, ${declarations.size} declarations\n`,
  )
}

/** What is not compiled: generated JavaScript with its declarations, data. */
function ownFiles(src: string): string[] {
  return globSync('**/*.*', { cwd: src }).filter(
    (file) => !notPublished.test(file) && (!file.endsWith('.ts') || file.endsWith('.d.ts')),
  )
}

/** Declarations that a user's compiler comes to from the entries; those of the server's inner modules are nobody's business. */
function reachable(folder: string, entries: readonly string[]): Set<string> {
  const found = new Set<string>()
  const visit = (file: string): void => {
    if (found.has(file) || !existsSync(join(folder, file))) return
    found.add(file)
    const text = readFileSync(join(folder, file), 'utf8')
    for (const [, , , path] of text.matchAll(relativeImport)) visit(join(dirname(file), `${path!}.d.ts`))
  }
  for (const entry of entries) visit(entry)
  return found
}

/** The compiler rewrites `.ts` in JavaScript, not in declarations. */
function asPublished(declarations: string): string {
  return declarations.replaceAll(relativeImport, '$1$2$3.js')
}

function declarationOf(path: string): string {
  return path.replace(/^\.\/src\//, '').replace(/\.ts$/, '.d.ts')
}

function published({ private: _private, devDependencies: _dev, ...manifest }: Manifest): object {
  const exports = Object.entries(manifest.exports).map(([name, path]) => [name, exported(path)])
  const files = manifest.files.map((file) => (file === 'src' ? 'dist' : file))
  if ('bin' in manifest) files.push('THIRD_PARTY_NOTICES')
  return { ...manifest, exports: Object.fromEntries(exports), files }
}

function exported(path: string): string | { types: string; default: string } {
  if (!path.startsWith('./src/')) return path
  const built = path.replace('./src/', './dist/').replace(/\.ts$/, '')
  return { types: `${built}.d.ts`, default: `${built}.js` }
}

function copy(from: string, to: string): void {
  cpSync(from, to, { recursive: true, filter: (path) => !basename(path).startsWith('.') })
}
