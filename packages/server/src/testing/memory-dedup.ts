import {
  CLAIMED,
  type Claim,
  type DedupIndex,
  DUPLICATE,
  FINGERPRINT_BYTES,
  PENDING,
  REPEATED,
} from '../gate/dedup/dedup-index.ts'
import type { Position } from '../log/log.ts'

export interface MemoryDedup extends DedupIndex {
  /** Open claims; 0 when nothing is under way. */
  openClaims(): number
  /** Every confirm, in order. */
  readonly confirms: readonly (readonly Position[])[]
}

/** A dedup index in memory without window or restart; keeps the contract otherwise. */
export function memoryDedup(sealed: readonly Position[] = []): MemoryDedup {
  const known = new Map<string, 'stored' | Promise<void>>()
  const confirms: (readonly Position[])[] = []
  let open = 0
  return {
    async start() {},
    async stop() {},
    confirms,
    openClaims: () => open,
    sealedBefore: () => sealed,
    fingerprint(project, id, out, at) {
      // Two 64-bit FNV hashes: as good as unique for tests.
      const bytes = Buffer.from(`${project}\n${id}`)
      const view = new DataView(out.buffer, out.byteOffset + at, FINGERPRINT_BYTES)
      for (const [place, seed] of [
        [0, 0xcbf29ce484222325n],
        [8, 0x84222325cbf29ce4n],
      ] as const) {
        let hash: bigint = seed
        for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
        view.setBigUint64(place, hash)
      }
    },
    claim(fingerprints): Claim {
      const count = fingerprints.length / FINGERPRINT_BYTES
      const states = new Uint8Array(count)
      const mine = new Set<string>()
      const seen = new Set<string>()
      const others = new Set<Promise<void>>()
      let settled = () => {}
      const settling = new Promise<void>((resolve) => {
        settled = resolve
      })
      for (let i = 0; i < count; i++) {
        const key = Buffer.from(fingerprints.subarray(i * FINGERPRINT_BYTES, (i + 1) * FINGERPRINT_BYTES)).toString(
          'hex',
        )
        const state = known.get(key)
        if (seen.has(key)) states[i] = REPEATED
        else if (state === undefined) {
          states[i] = CLAIMED
          known.set(key, settling)
          mine.add(key)
        } else if (state === 'stored') states[i] = DUPLICATE
        else {
          states[i] = PENDING
          others.add(state)
        }
        seen.add(key)
      }
      open++
      let isOpen = true
      const settle = (then: (key: string) => void) => {
        if (!isOpen) throw new Error('a claim is settled once')
        isOpen = false
        open--
        for (const key of mine) then(key)
        settled()
      }
      return {
        states,
        others: others.size === 0 ? undefined : Promise.all(others).then(() => undefined),
        confirm(records) {
          confirms.push(records)
          settle((key) => known.set(key, 'stored'))
        },
        release: () => settle((key) => known.delete(key)),
      }
    },
  }
}
