import { apiClient } from './client.ts'
import { print } from './output.ts'
import { type Status, statusPage } from './status-page.ts'

export async function status(flags: Readonly<Record<string, unknown>>): Promise<void> {
  const answer = (await (await apiClient(flags).get('/api/v1/status')).json()) as Status
  if (flags['json'] === true || !process.stdout.isTTY)
    return print(JSON.stringify(answer, undefined, flags['json'] === true ? 2 : undefined))
  for (const line of statusPage(answer)) print(line)
}
