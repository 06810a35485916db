import { loadConfig } from '../app/config.ts'
import { isSecret } from '../app/config-explain.ts'
import { isTree, pathsOf, type Tree, valueAt } from '../app/config-paths.ts'
import { chooseFormat, print, printRows } from './output.ts'

/** Every key with its value and origin; secrets are not shown. */
export async function show(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const format = chooseFormat(flags)
  const { config, origins } = await loadConfig(flags)
  const tree = config as unknown as Tree
  const rows = pathsOf(tree).map((key) => ({
    key,
    value: shown(key.split('.'), valueAt(tree, key.split('.'))),
    origin: origins.get(key) ?? 'default',
  }))
  printRows(rows, format, ['key', 'value', 'origin'])
}

/** Silent success but for one line; a wrong configuration has already ended the command with exit code 3. */
export async function check(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const { origins } = await loadConfig(flags)
  print(`the configuration is right; ${origins.size} ${origins.size === 1 ? 'key is' : 'keys are'} set`)
}

function shown(path: readonly string[], value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item, at) => shown([...path, String(at)], item))
  if (isTree(value))
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, shown([...path, key], inner)]))
  return value !== undefined && value !== '' && isSecret(path, value) ? '(hidden)' : value
}
