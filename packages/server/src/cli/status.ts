import { apiClient } from './client.ts'
import { chooseFormat, print, printRows, type Row } from './output.ts'
import { type Status, statusPage } from './status-page.ts'

export async function status(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const format = chooseFormat(flags)
  const answer = (await (await apiClient(flags).get('/api/v1/status')).json()) as Status
  if (format === 'table') for (const line of statusPage(answer)) print(line)
  else if (format === 'json') print(JSON.stringify(answer, undefined, 2))
  else printRows(format === 'csv' ? keysAndValues(answer) : [answer as unknown as Row], format)
}

/** `sizes.log_bytes,1310720`: the page as rows, for spreadsheets. */
export function keysAndValues(value: unknown, key = ''): Row[] {
  if (typeof value !== 'object' || value === null) return [{ key, value }]
  return Object.entries(value).flatMap(([name, inner]) => keysAndValues(inner, key === '' ? name : `${key}.${name}`))
}
