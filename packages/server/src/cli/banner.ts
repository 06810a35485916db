import { styleText } from 'node:util'
import type { Ready } from '../app/supervisor.ts'
import { defaultApiUrl } from './client.ts'
import { openTelemetry } from './status-page.ts'

/** What people see in a terminal in place of the ready line. Its commands work as they stand here, wherever the API listens. */
export function banner(ready: Ready): string {
  const url = ready.api === defaultApiUrl ? '' : ` --url ${ready.api}`
  const dim = (text: string) => styleText('dim', text)
  return `
${styleText('bold', 'Millrace is ready')} ${dim(`after ${ready.ms} ms`)}
  send to  ${ready.collector}   ${dim('any write key; Segment, Millrace JSON, protobuf')}
${openTelemetry(ready)
  .map((where) => `           ${where}\n`)
  .join('')}  ask at   ${ready.api}

Try, in another terminal:
  ${dim('# store an event: 200 means that it is on disk')}
  curl -s ${ready.collector}/v1/track -H 'content-type: application/json' -d '{"userId":"ada","event":"Signed Up","properties":{"plan":"pro"}}'
  ${dim('# ask')}
  npx millrace query "select event_name, count() from events group by 1"${url}
  npx millrace tail${url}
  npx millrace demo --rate 50${url}
`
}
