import { styleText } from 'node:util'
import { apiClient } from './client.ts'
import { chooseFormat, print, printable, printRows, type Row } from './output.ts'

interface Answer {
  readonly id: string
  readonly project: string
  readonly source: string
  readonly received_at: string
  readonly outcome: string
  readonly reason: string | null
  readonly issues: readonly string[]
  readonly log: { topic: string; partition: number; offset: number } | null
  readonly in_tables: boolean
  readonly steps: readonly { step: string; verdict: string; note: string | null }[]
  readonly attempts: readonly {
    received_at: string
    source: string
    outcome: string
    reason: string | null
    count: number
  }[]
}

const colours: Readonly<Record<string, 'green' | 'yellow' | 'red' | 'cyan'>> = {
  stored: 'green',
  pass: 'green',
  duplicate: 'cyan',
  quarantined: 'yellow',
  quarantine: 'yellow',
  dropped: 'red',
  drop: 'red',
}

export async function why(id: string, flags: Readonly<Record<string, unknown>>): Promise<void> {
  const format = chooseFormat(flags)
  const response = await apiClient(flags).get(`/api/v1/events/${encodeURIComponent(id)}/why`)
  const answer = (await response.json()) as Answer
  if (format === 'json') return print(JSON.stringify(answer, undefined, 2))
  if (format !== 'table') return printRows([answer as unknown as Row], format)
  print(
    `${styleText('bold', printable(answer.id))}  ${coloured(answer.outcome)}${answer.reason ? ` (${answer.reason})` : ''}`,
  )
  for (const issue of answer.issues) print(`  ${printable(issue)}`)
  print(`  project ${answer.project}, source ${printable(answer.source)}, received ${answer.received_at}`)
  if (answer.log !== null) print(`  log ${answer.log.topic}/${answer.log.partition} at ${answer.log.offset}`)
  print(`  ${answer.in_tables ? 'in the tables' : 'not in the tables yet'}`)
  print('')
  const width = Math.max(...answer.steps.map(({ step }) => step.length))
  for (const { step, verdict, note } of answer.steps)
    print(
      `  ${step.padEnd(width)}  ${coloured(verdict)}${note === null ? '' : styleText('dim', `  ${printable(note)}`)}`,
    )
  if (answer.attempts.length > 1) {
    print(`\n  ${answer.attempts.length} attempts, newest first:`)
    for (const { received_at, source, outcome, reason, count } of answer.attempts)
      print(
        `  ${received_at}  ${source}  ${coloured(outcome)}${reason ? ` (${reason})` : ''}${count > 1 ? ` × ${count}` : ''}`,
      )
  }
}

function coloured(word: string): string {
  const colour = colours[word]
  return colour === undefined ? word : styleText(colour, word)
}
