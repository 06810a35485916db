import { Command, CommanderError } from 'commander'
import { type ErrorCode, toPipelineError } from '../core/errors.ts'
import { version } from '../app/version.ts'
import { brokenAnswer } from './client.ts'
import { defineCommand, formatHelp } from './command.ts'
import { CliError, exitCodes } from './exit.ts'
import { say } from './output.ts'

const program = new Command('millrace')
  .description('One event pipeline for everything a product emits: exactly-once tables, live streams, answers.')
  .version(version)
  .configureHelp({
    formatHelp: (command, helper) =>
      formatHelp(command, helper, [
        { command: 'npx millrace start', says: 'start everything on this machine' },
        { command: `npx millrace send '{"event_name":"signed_up","actor_id":"ada"}'`, says: 'store one event' },
        { command: 'npx millrace query "select event_name, count() from events group by 1"', says: 'ask' },
        { command: 'npx millrace why <id>', says: "tell an event's whole way" },
      ]),
  })

/** Flags of every command that asks the API. */
function asking(command: Command): Command {
  return command
    .option('--url <address>', 'the API (environment: MILLRACE_URL; default: http://127.0.0.1:8089)')
    .option('--timeout <seconds>', 'give up after', '60')
}

/** Flags of every command that prints rows. */
function printing(command: Command): Command {
  return command
    .option('-o, --output <format>', 'table, json, ndjson, csv or parquet (default: table, NDJSON when piped)')
    .option('--json', 'same as -o json')
}

/** Flags that say with which configuration. */
function configured(command: Command): Command {
  return command
    .option('--config <file>', 'configuration file (default: millrace.config.ts, .js or .json here)')
    .option('--data <folder>', 'data directory (environment: MILLRACE_DATA_DIR; default: ./data)')
    .option('--set <key=value>', 'any key of the configuration; repeatable', (value: string, all: string[] = []) => [
      ...all,
      value,
    ])
}

function collect(value: string, all: string[] = []): string[] {
  return [...all, value]
}

program.addCommand(
  configured(
    defineCommand('start', 'Start collector, worker and engine, and keep them running.', [
      { command: 'npx millrace start', says: 'on 8088 (send) and 8089 (ask), data in ./data' },
      { command: 'npx millrace start --data /var/lib/millrace --port 9000', says: 'elsewhere' },
      { command: 'MILLRACE_AUTH=keys npx millrace start', says: 'only with keys' },
    ]),
  )
    .option('--host <address>', 'where the collector listens (default: 127.0.0.1)')
    .option('--port <port>', 'where events are sent (default: 8088; 0: any free one)')
    .option('--api-port <port>', 'where questions are asked (default: 8089; 0: any free one)')
    .action(async (flags: Record<string, unknown>) => (await import('./start.ts')).start(flags)),
)

/** One role in this process, for deployments with many of each: docs/guide/scale.md. */
program.addCommand(
  configured(
    defineCommand('collector', 'Take events: this role alone, in the foreground.', [
      {
        command: 'npx millrace collector --config prod.json',
        says: 'any number, each with a data directory of its own',
      },
    ]),
  )
    .option('--host <address>', 'where it listens (default: 127.0.0.1)')
    .option('--port <port>', 'where events are sent (default: 8088; 0: any free one)')
    .action(async (flags: Record<string, unknown>) => (await import('./role.ts')).role('collector', flags)),
)
program.addCommand(
  configured(
    defineCommand('worker', 'Load events into the tables: this role alone, in the foreground.', [
      { command: 'npx millrace worker --config prod.json', says: 'any number; they share the partitions of the log' },
      { command: 'npx millrace worker --jobs load', says: 'only these jobs' },
    ]),
  )
    .option('--jobs <names>', 'which jobs, with commas (default: all)')
    .option('--worker-port <port>', 'probes, metrics and status (default: 8090; 0: any free one; false: none)')
    .action(async (flags: Record<string, unknown>) => (await import('./role.ts')).role('worker', flags)),
)
program.addCommand(
  configured(
    defineCommand('api', 'Answer questions: this role alone, in the foreground.', [
      { command: 'npx millrace api --config prod.json', says: 'any number' },
    ]),
  )
    .option('--api-host <address>', 'where it listens (default: 127.0.0.1)')
    .option('--api-port <port>', 'where questions are asked (default: 8089; 0: any free one)')
    .action(async (flags: Record<string, unknown>) => (await import('./role.ts')).role('api', flags)),
)

program.addCommand(
  printing(
    asking(
      defineCommand('send [events...]', 'Send events as Millrace JSON: arguments, or NDJSON on standard input.', [
        { command: `npx millrace send '{"event_name":"signed_up","actor_id":"ada"}'`, says: 'one' },
        { command: 'npx millrace send < events.ndjson', says: 'many; progress on stderr' },
      ]),
    ),
  )
    .option('--collector <address>', 'where to send (environment: MILLRACE_COLLECTOR_URL; default: what the API says)')
    .option('--batch <n>', 'events a request', '1000')
    .action(async (events: string[], flags: Record<string, string>) => (await import('./send.ts')).send(events, flags)),
)

program.addCommand(
  printing(
    asking(
      defineCommand(
        'import <files...>',
        'Store files of events as history: NDJSON, JSON, CSV with a header, also gzipped.',
        [
          { command: 'npx millrace import export.ndjson.gz', says: 'whose events they are is told by the first one' },
          { command: 'npx millrace import --dialect posthog events.csv', says: 'or say it' },
          {
            command: 'npx millrace import export.ndjson.gz',
            says: 'again after Ctrl-C or a crash: goes on where it was',
          },
        ],
      ),
    ),
  )
    .option('--dialect <name>', 'millrace, segment, posthog, otel, cloudevents, cdc … (default: by the first event)')
    .option('--format <form>', 'json or csv (default: by the name of the file)')
    .option('--batch <n>', 'events a request', '1000')
    .option('--restart', 'from the beginning, also when an import of the file was ended before')
    .option('--collector <address>', 'where to send (environment: MILLRACE_COLLECTOR_URL; default: what the API says)')
    .action(async (files: string[], flags: Record<string, string>) =>
      (await import('./import.ts')).importFiles(files, flags),
    ),
)

program.addCommand(
  printing(
    asking(
      defineCommand('query <sql>', "Ask in ClickHouse SQL, read-only, within the key's project.", [
        { command: 'npx millrace query "select event_name, count() from events group by 1"', says: 'a table' },
        {
          command: 'npx millrace query "select * from events where id = {id:String}" --param id=42',
          says: 'with a parameter',
        },
        { command: 'npx millrace query "select * from events" -o parquet > events.parquet', says: 'to a file' },
      ]),
    ),
  )
    .option('--param <name=value>', 'a parameter of the query; repeatable', (value: string, all: string[] = []) => [
      ...all,
      value,
    ])
    .action(async (sql: string, flags: Record<string, unknown>) => (await import('./query.ts')).query(sql, flags)),
)

program.addCommand(
  printing(
    asking(
      defineCommand('why <id>', 'Tell the whole way of one event: received, judged, stored, or why not.', [
        { command: 'npx millrace why 01JD8Z3C9V', says: 'what happened to it' },
        { command: 'npx millrace why 01JD8Z3C9V --json', says: 'for programs' },
      ]),
    ),
  ).action(async (id: string, flags: Record<string, unknown>) => (await import('./why.ts')).why(id, flags)),
)

program.addCommand(
  printing(
    asking(
      defineCommand('status', 'Is it well: lag, rates, sizes, versions, processes.', [
        { command: 'npx millrace status', says: 'one page' },
        { command: 'npx millrace status -o csv', says: 'a key and its value per line' },
      ]),
    ),
  ).action(async (flags: Record<string, unknown>) => (await import('./status.ts')).status(flags)),
)

program.addCommand(
  printing(
    asking(
      defineCommand('tail', 'Show events as they are stored; ends with Ctrl-C and says what it saw.', [
        { command: 'npx millrace tail', says: 'from now on' },
        { command: `npx millrace tail --since 10m --filter "event_name=Signed Up"`, says: 'a part of them' },
        { command: 'npx millrace tail --stage quarantined', says: 'what was not admitted, and why' },
        { command: 'npx millrace tail --limit 5 | jq .event_name', says: 'in a pipe' },
      ]),
    ),
  )
    .option('--since <duration>', 'begin that long ago')
    .option('--topic <pattern>', 'such as track.* or log.**; repeatable', collect)
    .option('--filter <column><op><value>', 'op one of = != > < >= <= ~; repeatable, all must hold', collect)
    .option('--stage <stage>', 'stored, quarantined or dropped', 'stored')
    .option('--limit <n>', 'end after so many')
    .action(async (flags: Record<string, unknown>) => (await import('./tail.ts')).tail(flags)),
)

program.addCommand(
  asking(
    defineCommand(
      'demo',
      'Send realistic traffic through a real SDK: users, sessions, a funnel that drops, a bad release, retries.',
      [
        { command: 'npx millrace demo --rate 50', says: '50 events a second until Ctrl-C' },
        { command: 'npx millrace demo --days 7 --seed 42', says: 'a week of history, always the same' },
      ],
    ),
  )
    .option('--seed <n>', 'the same seed sends the same events', '42')
    .option('--rate <n>', 'events a second, live')
    .option('--days <n>', 'history of so many days, as fast as it goes')
    .option('--limit <n>', 'end after so many events')
    .option('--collector <address>', 'where to send (environment: MILLRACE_COLLECTOR_URL; default: what the API says)')
    .action(async (flags: Record<string, string>) => (await import('./demo.ts')).demo(flags)),
)

const keys = defineCommand('keys', 'Make, list and revoke the keys of a project (in its data directory).', [
  { command: 'npx millrace keys create --scope write', says: 'shown once; only its hash is kept' },
  { command: 'npx millrace keys list', says: 'ids, scopes, dates' },
  { command: 'npx millrace keys revoke 5f0c9a1be2d4', says: 'ends within a second' },
])
keys.addCommand(
  printing(
    configured(
      defineCommand('create', 'Make a key and show it once.', [
        { command: 'npx millrace keys create --scope write', says: 'for a client that sends' },
      ]),
    ),
  )
    .option('--project <project>', 'of which project', 'default')
    .option('--scope <scope>', 'write, read or admin', 'write')
    .action(async (flags: Record<string, string>) => (await import('./keys.ts')).createKeyCommand(flags)),
)
keys.addCommand(
  printing(
    configured(
      defineCommand('list', 'List keys, of the configuration and of the data directory.', [
        { command: 'npx millrace keys list', says: 'never the secrets' },
      ]),
    ),
  )
    .option('--project <project>', 'of which project', 'default')
    .action(async (flags: Record<string, string>) => (await import('./keys.ts')).listKeysCommand(flags)),
)
keys.addCommand(
  configured(
    defineCommand('revoke <id>', 'Revoke a key for good.', [
      { command: 'npx millrace keys revoke 5f0c9a1be2d4', says: 'by the id that list shows' },
    ]),
  )
    .option('--project <project>', 'of which project (default: whichever has that id)')
    .action(async (id: string, flags: Record<string, string>) =>
      (await import('./keys.ts')).revokeKeyCommand(id, flags),
    ),
)
program.addCommand(keys)

const config = defineCommand('config', 'Show or check the configuration as Millrace would use it.', [
  { command: 'npx millrace config show', says: 'every key, its value and where it came from' },
  { command: 'npx millrace config check --config prod.json', says: 'exit 3 and the reason when it is wrong' },
])
for (const [name, does] of [
  ['show', 'Every key with its value and origin.'],
  ['check', 'Exit 0 when the configuration is right, else 3.'],
] as const)
  config.addCommand(
    printing(
      configured(
        defineCommand(name, does, [
          { command: `npx millrace config ${name}`, says: 'with the configuration of this folder' },
        ]),
      ),
    ).action(async (flags: Record<string, unknown>) => (await import('./config.ts'))[name](flags)),
  )
program.addCommand(config)

program.addCommand(
  defineCommand(
    'bench',
    'Measure the whole way on this machine: CPU per event and stage, throughput, latencies, memory.',
    [{ command: 'npx millrace bench --quick', says: 'a minute' }],
  )
    .option('--quick', 'shorter runs, rougher numbers')
    .option('--json <file>', 'write the figures there too')
    .action(async (flags: Record<string, unknown>) => (await import('./bench.ts')).bench(flags)),
)

program.addCommand(
  defineCommand('completion <shell>', 'Print the completion of a shell: bash, zsh or fish.', [
    { command: 'source <(npx millrace completion bash)', says: 'in this bash; in ~/.bashrc for all' },
    { command: 'source <(npx millrace completion zsh)', says: 'the same for zsh, in ~/.zshrc after compinit' },
    { command: 'npx millrace completion fish > ~/.config/fish/completions/millrace.fish', says: 'for fish' },
  ]).action(async (shell: string) => (await import('./completion.ts')).completion(program, shell)),
)

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0) // `| head` has seen enough
})

everyCommand(program, (command) => command.exitOverride().showSuggestionAfterError())

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = report(error)
}

/** Commands do not inherit what their parent says about its end. */
function everyCommand(command: Command, change: (command: Command) => void): void {
  change(command)
  for (const sub of command.commands) everyCommand(sub, change)
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage // commander has already said it
  const failure = error instanceof CliError ? error : brokenAnswer(error)
  if (failure !== undefined) {
    say(`millrace: ${failure.message}`)
    return failure.exitCode
  }
  const { message, code } = toPipelineError(error)
  say(`millrace: ${message}`)
  return exitCodeOf(code)
}

function exitCodeOf(code: ErrorCode): number {
  if (code === 'config') return exitCodes.config
  return code === 'not_found' ? exitCodes.notFound : exitCodes.failure
}
