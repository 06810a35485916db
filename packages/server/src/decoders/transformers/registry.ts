import type { EventColumns } from '@millrace/protocol'
import type { Transformer } from './transformer.ts'

/** What a transformer says of itself. */
export type TransformerMeta = Omit<Transformer, 'transform'>

/** Transformers by name. */
export interface TransformerRegistry {
  /** Throws when the name is taken. */
  register(transformer: Transformer): void
  /** False when there was none of that name. */
  unregister(name: string): boolean
  has(name: string): boolean
  get(name: string): Transformer | undefined
  getFunction(name: string): Transformer['transform'] | undefined
  /** Names, in the order of registration. */
  list(): readonly string[]
  listWithMeta(): readonly TransformerMeta[]
  listBySource(source: string): readonly string[]
  listByEventType(eventType: string): readonly string[]
  /** What the transformer returns: one event, or an array of them with `multipleOutputs`. Throws for an unknown name. */
  transform(name: string, input: unknown, ...beside: unknown[]): EventColumns | readonly EventColumns[]
  /** Always an array. */
  transformToArray(name: string, input: unknown, ...beside: unknown[]): readonly EventColumns[]
  readonly size: number
  clear(): void
}

export function createTransformerRegistry(transformers: readonly Transformer[] = []): TransformerRegistry {
  const byName = new Map<string, Transformer>()

  function register(transformer: Transformer): void {
    if (byName.has(transformer.name)) throw new TypeError(`a transformer '${transformer.name}' is registered already`)
    byName.set(transformer.name, transformer)
  }

  function transform(name: string, input: unknown, ...beside: unknown[]): EventColumns | readonly EventColumns[] {
    const transformer = byName.get(name)
    if (transformer === undefined) {
      throw new TypeError(`unknown transformer '${name}', have ${[...byName.keys()].join(', ') || 'none'}`)
    }
    return transformer.transform(input as never, ...(beside as never[]))
  }

  const namesOf = (matches: (transformer: Transformer) => boolean) =>
    [...byName.values()].filter(matches).map(({ name }) => name)

  for (const transformer of transformers) register(transformer)
  return {
    register,
    unregister: (name) => byName.delete(name),
    has: (name) => byName.has(name),
    get: (name) => byName.get(name),
    getFunction: (name) => byName.get(name)?.transform,
    list: () => [...byName.keys()],
    listWithMeta: () => [...byName.values()].map(metaOf),
    listBySource: (source) => namesOf((one) => one.source === source),
    listByEventType: (eventType) => namesOf((one) => one.eventType === eventType),
    transform,
    transformToArray(name, input, ...beside) {
      const out = transform(name, input, ...beside)
      return Array.isArray(out) ? (out as readonly EventColumns[]) : [out as EventColumns]
    },
    get size() {
      return byName.size
    },
    clear: () => byName.clear(),
  }
}

function metaOf({ name, description, source, eventType, multipleOutputs }: Transformer): TransformerMeta {
  return { name, description, source, eventType, multipleOutputs }
}
