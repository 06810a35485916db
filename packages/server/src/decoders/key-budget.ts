import { stringifyJson } from '@millrace/protocol'

/**
 * The gate refuses an event of more than 1000 keys, those within lists too: each is a path of the store. A list of objects that has
 * more (the log lines of one invocation) is kept as far as `budget` goes, and the rest as JSON text: nothing is lost, and what
 * people look at first is still asked for by path.
 */
export function withinKeys(
  list: readonly unknown[],
  budget: number,
): { readonly kept: unknown[]; readonly more?: string } {
  let left = budget
  for (let index = 0; index < list.length; index++) {
    left -= countKeys(list[index], left)
    if (left < 0) return { kept: list.slice(0, index), more: stringifyJson(list.slice(index)) }
  }
  return { kept: [...list] }
}

/** Keys of all levels; counts no further than `limit`. JSON's depth limit bounds the recursion. */
export function countKeys(value: unknown, limit: number): number {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) {
      count += countKeys(item, limit - count)
      if (count > limit) return count
    }
    return count
  }
  for (const key in value) {
    count += 1 + countKeys((value as Record<string, unknown>)[key], limit - count - 1)
    if (count > limit) return count
  }
  return count
}
