import type { Deps } from '../../core/deps.ts'
import type { State } from '../state.ts'
import { checkValue, encodeKey, endOfPrefix } from '../entry-keys.ts'
import { openEnvironment } from './open-environment.ts'

/*
 * entries   key (UTF-8) → version (f64 LE) value
 * counter   'version'   → the last version given (f64 LE); one counter for all keys, so that none ever comes back
 */
const counterKey = Buffer.from('version')

/** State in an LMDB folder: every write is synced before it resolves. */
export function createEmbeddedState(options: { readonly path: string }, deps: Deps): State {
  const environment = openEnvironment(
    { path: options.path, name: 'state', durable: true, databases: ['entries', 'counter'] },
    deps.metrics,
  )

  function nextVersion(): number {
    const counter = environment.database('counter')
    const next = (counter.get(counterKey)?.readDoubleLE(0) ?? 0) + 1
    counter.putSync(counterKey, float(next))
    return next
  }

  const versionOf = (key: Buffer): number => environment.database('entries').get(key)?.readDoubleLE(0) ?? 0

  return {
    async start() {
      environment.open()
    },
    stop: () => environment.close(),
    async get(key) {
      const encoded = encodeKey(key)
      return await environment.read('get', () => {
        const stored = environment.database('entries').get(encoded)
        return stored === undefined ? undefined : decode(stored)
      })
    },
    async list(prefix) {
      const start = Buffer.from(prefix, 'utf8')
      return await environment.read('list', () => {
        const found = []
        for (const { key, value } of environment.database('entries').getRange({ start, end: endOfPrefix(start) })) {
          found.push({ key: key.toString('utf8'), ...decode(value) })
        }
        return found
      })
    },
    async putIfVersion(key, value, version) {
      const encoded = encodeKey(key)
      checkValue(value)
      return await environment.write('put', () => {
        if (versionOf(encoded) !== version) return false
        environment.database('entries').putSync(encoded, Buffer.concat([float(nextVersion()), value]))
        return true
      })
    },
    async deleteIfVersion(key, version) {
      const encoded = encodeKey(key)
      return await environment.write('delete', () => {
        if (version === 0 || versionOf(encoded) !== version) return false
        environment.database('entries').removeSync(encoded)
        return true
      })
    },
  }
}

function decode(stored: Buffer): { value: Uint8Array; version: number } {
  return { value: new Uint8Array(stored.subarray(8)), version: stored.readDoubleLE(0) }
}

function float(value: number): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeDoubleLE(value)
  return bytes
}
