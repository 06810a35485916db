import type { Content, Contents } from '../../http/describe.ts'

/** One form under each of its media types; '' (none) cannot be told. The example stands at the first. */
export function bodies(types: readonly string[], content: Content): Contents {
  const { example: _, ...form } = content
  const named = types.filter((type) => type !== '')
  return Object.fromEntries(named.map((type, at) => [type, at === 0 ? content : form]))
}
