import type { State, Versioned } from '../kv/state.ts'

/** State in memory: keeps the contract but for durability. Values are copied in and out, as a real one does. */
export function memoryState(): State {
  const entries = new Map<string, Versioned>()
  let version = 0
  const copy = (entry: Versioned): Versioned => ({ value: entry.value.slice(), version: entry.version })
  return {
    async start() {},
    async stop() {},
    async get(key) {
      const entry = entries.get(key)
      return entry === undefined ? undefined : copy(entry)
    },
    async list(prefix) {
      return [...entries]
        .filter(([key]) => key.startsWith(prefix))
        .sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
        .map(([key, entry]) => ({ key, ...copy(entry) }))
    },
    async putIfVersion(key, value, expected) {
      if ((entries.get(key)?.version ?? 0) !== expected) return false
      entries.set(key, { value: value.slice(), version: ++version })
      return true
    },
    async deleteIfVersion(key, expected) {
      const entry = entries.get(key)
      if (entry === undefined || entry.version !== expected) return false
      return entries.delete(key)
    },
  }
}
