import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { PipelineError } from '../core/errors.ts'
import type { State } from '../kv/state.ts'
import { originalBytes, originalOf } from './original.ts'
import { createMadeOnce } from './made-once.ts'

/**
 * Originals of quarantined events, sealed. The key is one per project and day, in State under `seals/<project>/<YYYY-MM-DD>`: when
 * it is destroyed, after 30 days or on erasure, every copy of that day's originals is unreadable, wherever it lies.
 *
 *   sealed    = version(u8 = 1) nonce(12) ciphertext tag(16)         AES-256-GCM; associated data: the key's name, a line feed, the event's id
 *   plaintext = form(u8) deflated?(u8: 0 | 1) content                form 1: JSON text, 2: bytes as they came
 */

const version = 1
const keyBytes = 32
const nonceBytes = 12
const tagBytes = 16
/** Beyond it an original is not kept: a record has to stay small enough for every log. */
const maxSealedBytes = 1_048_576
const deflateFrom = 512
/** As long as an event may be old when its quarantine is looked through. */
const sealDays = 30
const prefix = 'seals/'
const dayMs = 86_400_000

export interface Sealed {
  readonly sealKey: string
  /** Empty when the original was too big to keep. */
  readonly sealed: Uint8Array
}

export interface Sealer {
  /** Gets the key of that project and day; `seal` may then be called without waiting. */
  ready(project: string, at: number): Promise<SealKey>
}

interface SealKey {
  seal(id: string, original: unknown): Sealed
}

export function createSealer(state: State): Sealer {
  const keys = createMadeOnce(state, keyBytes)
  return {
    async ready(project, at) {
      const name = sealKeyName(project, at)
      const key = await keys.get(name)
      return { seal: (id, original) => ({ sealKey: name, sealed: seal(key, name, id, original) }) }
    },
  }
}

/** What `seal` took: the parsed JSON, or the bytes. Throws `not_found` when its key was destroyed. */
export async function unseal(state: State, sealed: Sealed, id: string): Promise<unknown> {
  const key = (await state.get(sealed.sealKey))?.value
  if (key === undefined)
    throw new PipelineError(
      'not_found',
      `the key ${sealed.sealKey} was destroyed; this original cannot be read any more`,
    )
  if (sealed.sealed.length === 0) throw new PipelineError('not_found', 'the original was too big and was not kept')
  return open(key, sealed, id)
}

/** Destroys the keys of days that are over by more than `sealDays`; returns how many. */
export async function destroyOldSeals(state: State, now: number): Promise<number> {
  const oldest = new Date(now - (sealDays + 1) * dayMs).toISOString().slice(0, 10)
  let destroyed = 0
  for (const { key, version } of await state.list(prefix)) {
    const day = key.slice(key.lastIndexOf('/') + 1)
    if (day < oldest && (await state.deleteIfVersion(key, version))) destroyed++
  }
  return destroyed
}

function sealKeyName(project: string, at: number): string {
  return `${prefix}${project}/${new Date(at).toISOString().slice(0, 10)}`
}

function seal(key: Uint8Array, name: string, id: string, original: unknown): Uint8Array {
  const { form, content } = originalBytes(original)
  const deflated = content.length >= deflateFrom ? deflateRawSync(content, { level: 1 }) : undefined
  const isDeflated = deflated !== undefined && deflated.length < content.length
  const body = isDeflated ? deflated : content
  if (body.length > maxSealedBytes) return new Uint8Array(0)
  const nonce = randomBytes(nonceBytes)
  const cipher = createCipheriv('aes-256-gcm', key, nonce)
  cipher.setAAD(Buffer.from(`${name}\n${id}`))
  const parts = [cipher.update(Uint8Array.of(form, isDeflated ? 1 : 0)), cipher.update(body), cipher.final()]
  return Buffer.concat([Uint8Array.of(version), nonce, ...parts, cipher.getAuthTag()])
}

function open(key: Uint8Array, { sealed, sealKey }: Sealed, id: string): unknown {
  if (sealed[0] !== version || sealed.length < 1 + nonceBytes + 2 + tagBytes)
    throw new PipelineError(
      'corrupt',
      `a sealed original of ${sealed.length} bytes has version ${sealed[0]}, expected ${version}`,
    )
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 1 + nonceBytes))
  decipher.setAAD(Buffer.from(`${sealKey}\n${id}`))
  decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes))
  let plain: Buffer
  try {
    plain = Buffer.concat([
      decipher.update(sealed.subarray(1 + nonceBytes, sealed.length - tagBytes)),
      decipher.final(),
    ])
  } catch (cause) {
    throw new PipelineError('corrupt', 'a sealed original does not match its key and id', { cause })
  }
  const content = plain[1] === 1 ? inflateRawSync(plain.subarray(2)) : plain.subarray(2)
  return originalOf(plain[0] as number, content)
}
