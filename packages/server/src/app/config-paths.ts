import type { z } from 'zod'

/** A tree of settings as written, before defaults. */
export type Tree = Record<string, unknown>

export interface Setting {
  readonly path: readonly string[]
  /** The value is text: `123` stays text. */
  readonly isText: boolean
}

interface Definition {
  readonly type: string
  readonly innerType?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly in?: z.ZodType
  readonly out?: z.ZodType
  readonly values?: readonly unknown[]
}

/** Every leaf that the schema knows; of a union (drivers), the leaves of all its branches; a record is one leaf (JSON). */
export function settingPaths(schema: z.ZodType, prefix: readonly string[] = []): Setting[] {
  const def = definitionOf(schema)
  if (def.innerType !== undefined) return settingPaths(def.innerType, prefix)
  if (def.in !== undefined && def.out !== undefined)
    // A preprocessed schema says what it takes at its end, a transformed one at its beginning.
    return settingPaths(definitionOf(def.in).type === 'transform' ? def.out : def.in, prefix)
  if (def.shape !== undefined)
    return Object.entries(def.shape).flatMap(([key, inner]) => settingPaths(inner, [...prefix, key]))
  if (def.options !== undefined) {
    const found = new Map<string, Setting>()
    for (const setting of def.options.flatMap((option) => settingPaths(option, prefix))) {
      const key = setting.path.join('.')
      found.set(key, { ...setting, isText: setting.isText && (found.get(key)?.isText ?? true) })
    }
    return [...found.values()]
  }
  return [{ path: prefix, isText: takesText(def) }]
}

/** Later trees win, key by key; arrays and scalars are taken whole. */
export function merge(...trees: readonly Tree[]): Tree {
  const result = emptyTree()
  for (const tree of trees)
    for (const [key, value] of Object.entries(tree)) {
      const before = result[key]
      result[key] = isTree(value) ? merge(isTree(before) ? before : {}, value) : value
    }
  return result
}

/** The dotted paths of all leaves. */
export function pathsOf(tree: Tree, prefix: readonly string[] = []): string[] {
  return Object.entries(tree).flatMap(([key, value]) =>
    isTree(value) ? pathsOf(value, [...prefix, key]) : [[...prefix, key].join('.')],
  )
}

/** Sets a leaf; what stands in its way is replaced. */
export function put(tree: Tree, path: readonly string[], value: unknown): void {
  let at = tree
  for (const key of path.slice(0, -1)) {
    const next = at[key]
    at = isTree(next) ? next : (at[key] = emptyTree())
  }
  at[path.at(-1)!] = value
}

/** Without a prototype, so that a key `__proto__` is a key like any other: unknown. */
export function emptyTree(): Tree {
  return Object.create(null) as Tree
}

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Undefined when there is nothing at that path; goes through lists too. */
export function valueAt(tree: Tree, path: readonly string[]): unknown {
  let at: unknown = tree
  for (const key of path)
    at = typeof at === 'object' && at !== null && Object.hasOwn(at, key) ? (at as Tree)[key] : undefined
  return at
}

function definitionOf(schema: z.ZodType): Definition {
  return schema.def
}

function takesText({ type, values }: Definition): boolean {
  if (type === 'literal') return values?.every((value) => typeof value === 'string') ?? false
  return type === 'string' || type === 'enum'
}
