import { loadConfig } from '../app/config.ts'
import { isTree, pathsOf, type Tree } from '../app/config-sources.ts'
import { chooseFormat, print, printRows } from './output.ts'

const secret = /secret|password|sha256|^url$/i

/** Every key with its value and origin; secrets are not shown. */
export async function show(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { config, origins } = await loadConfig(flags)
  const tree = config as unknown as Tree
  const rows = pathsOf(tree).map((key) => ({
    key,
    value: shown(key, valueAt(tree, key)),
    origin: origins.get(key) ?? 'default',
  }))
  printRows(rows, chooseFormat(flags), ['key', 'value', 'origin'])
}

/** Silent success but for one line; a wrong configuration has already ended the command with exit code 3. */
export async function check(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { origins } = await loadConfig(flags)
  print(`the configuration is right; ${origins.size} keys are set`)
}

function valueAt(tree: Tree, key: string): unknown {
  let at: unknown = tree
  for (const part of key.split('.')) at = isTree(at) ? at[part] : undefined
  return at
}

function shown(key: string, value: unknown): unknown {
  if (secret.test(key.split('.').at(-1)!) && value !== undefined) return '(hidden)'
  return Array.isArray(value)
    ? value.map((item) =>
        isTree(item)
          ? Object.fromEntries(Object.entries(item).map(([name, inner]) => [name, shown(name, inner)]))
          : item,
      )
    : value
}
