import { type ChaskeyKey, chaskey, chaskeyKey } from './chaskey.ts'

/*
 * The fingerprint of (project, id): 128 bits, keyed, so that nobody without the key can make two ids meet.
 *
 *   fingerprint = chaskey(key of the project and form, message)
 *   key         = chaskey(index key, form byte, project as UTF-16 LE)      once per project, then remembered
 *   message     = form 1: one byte per character, when all are below U+0100 (nearly every id)
 *                 form 2: two bytes per character (UTF-16 LE), for all other ids
 *
 * Project and form choose the key and the id alone is the message, so no two different pairs have the same input.
 */

/** Projects whose keys are remembered. */
const rememberedProjects = 1024
/** Room for an id of up to 112 characters; longer ones make more. */
const wordsAtFirst = 64

/** The function that `DedupIndex.fingerprint` is. `secret`: 16 random bytes, the same for as long as the log lives. */
export function createFingerprint(
  secret: Uint8Array,
): (project: string, id: string, out: Uint8Array, at: number) => void {
  const [k0 = 0, k1 = 0, k2 = 0, k3 = 0] = wordsOf(secret)
  const indexKey = chaskeyKey(k0, k1, k2, k3)
  const projects = new Map<string, { readonly narrow: ChaskeyKey; readonly wide: ChaskeyKey }>()
  let words = new Int32Array(wordsAtFirst)
  let lastProject: string | undefined
  let narrow = indexKey
  let wide = indexKey

  function roomFor(bytes: number): void {
    if (words.length < (bytes >>> 2) + 5) words = new Int32Array((bytes >>> 2) + 5)
  }

  function keyOf(form: number, project: string): ChaskeyKey {
    roomFor(2 + project.length * 2)
    const bytes = new Uint8Array(words.buffer)
    bytes[0] = form
    bytes[1] = 0
    for (let i = 0; i < project.length; i++) {
      const code = project.charCodeAt(i)
      bytes[2 + 2 * i] = code
      bytes[3 + 2 * i] = code >>> 8
    }
    const tag = new Uint8Array(16)
    chaskey(indexKey, words, 2 + project.length * 2, tag, 0)
    const [t0 = 0, t1 = 0, t2 = 0, t3 = 0] = wordsOf(tag)
    return chaskeyKey(t0, t1, t2, t3)
  }

  function useProject(project: string): void {
    let keys = projects.get(project)
    if (keys === undefined) {
      if (projects.size >= rememberedProjects) projects.clear()
      keys = { narrow: keyOf(1, project), wide: keyOf(2, project) }
      projects.set(project, keys)
    }
    narrow = keys.narrow
    wide = keys.wide
    lastProject = project
  }

  return function fingerprint(project, id, out, at) {
    if (project !== lastProject) useProject(project)
    const length = id.length
    roomFor(length * 2)
    const into = words
    let all = 0
    let i = 0
    let word = 0
    for (; i + 4 <= length; i += 4) {
      const a = id.charCodeAt(i)
      const b = id.charCodeAt(i + 1)
      const c = id.charCodeAt(i + 2)
      const d = id.charCodeAt(i + 3)
      all |= a | b | c | d
      into[word++] = a | (b << 8) | (c << 16) | (d << 24)
    }
    if (i < length) {
      let last = 0
      for (let shift = 0; i < length; i++, shift += 8) {
        const code = id.charCodeAt(i)
        all |= code
        last |= code << shift
      }
      into[word] = last
    }
    if (all < 256) return chaskey(narrow, into, length, out, at)
    for (i = 0, word = 0; i < length; i += 2) {
      // Behind the end charCodeAt is NaN, which is 0 here.
      into[word++] = id.charCodeAt(i) | (id.charCodeAt(i + 1) << 16)
    }
    chaskey(wide, into, length * 2, out, at)
  }
}

function wordsOf(bytes: Uint8Array): readonly number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16)
  return [0, 4, 8, 12].map((at) => view.getInt32(at, true))
}
