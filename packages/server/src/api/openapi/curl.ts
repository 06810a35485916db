import type { Operation } from './document.ts'

/** The operation as one calls it from a shell, with the document's own examples. */
export function curlOf(method: string, path: string, operation: Operation, base: string): string {
  const wanted = (operation.parameters ?? []).filter((parameter) => parameter.example !== undefined)
  const filled = wanted
    .filter((parameter) => parameter.in === 'path')
    .reduce((url, { name, example }) => url.replace(`{${name}}`, encodeURIComponent(String(example))), path)
  const query = wanted
    .filter((parameter) => parameter.in === 'query')
    .map(({ name, example }) => `${name}=${encodeURIComponent(String(example))}`)
    .join('&')
  const lines = [`curl ${quoted(`${base}${filled}${query === '' ? '' : `?${query}`}`)}`]
  if (operation['x-millrace-scope'] !== undefined) lines.push(`-H 'authorization: Bearer <key>'`)
  const [body] = Object.entries(operation.requestBody?.content ?? {})
  if (body !== undefined) {
    const [type, { example }] = body
    const text = typeof example === 'string' ? example : JSON.stringify(example)
    lines.push(`-H ${quoted(`content-type: ${type}`)}`, `-d ${quoted(text)}`)
  } else if (method !== 'get') lines.push(`-X ${method.toUpperCase()}`)
  return lines.join(' \\\n  ')
}

/** For POSIX shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
