import type { Command, Option } from 'commander'
import { CliError, exitCodes } from './exit.ts'
import { formats, print } from './output.ts'

/** What comes after an option, by the placeholder in its help; `file` asks the shell itself. */
const values: Readonly<Record<string, readonly string[]>> = {
  format: formats,
  scope: ['write', 'read', 'admin'],
  stage: ['stored', 'quarantined', 'dropped'],
}

/** One command as the shells see it. */
interface Level {
  /** `''`, `' keys'`, `' keys create'`: each word with a space before it. */
  readonly at: string
  readonly commands: readonly { readonly name: string; readonly says: string }[]
  readonly options: readonly Flag[]
  /** Words that its argument may be. */
  readonly words: readonly string[]
}

interface Flag {
  readonly names: readonly string[]
  readonly says: string
  /** Undefined: it takes no value. */
  readonly value: { readonly words: readonly string[]; readonly isFile: boolean } | undefined
}

const shells = { bash, zsh, fish }
const shellNames = Object.keys(shells)

/** `millrace completion <shell>`: a script made from the commands themselves, so that it knows what they know. */
export function completion(program: Command, shell: string): void {
  const write = Object.hasOwn(shells, shell) ? shells[shell as keyof typeof shells] : undefined
  if (write === undefined)
    throw new CliError(`completion ${JSON.stringify(shell)}: expected ${shellNames.join(', ')}`, exitCodes.usage)
  print(write(levelsOf(program, '')).trimEnd())
}

function levelsOf(command: Command, at: string): Level[] {
  const help = command.createHelp()
  const subcommands = help.visibleCommands(command).filter((sub) => sub.name() !== 'help')
  return [
    {
      at,
      commands: subcommands.map((sub) => ({ name: sub.name(), says: firstSentence(sub.description()) })),
      options: help.visibleOptions(command).map(flagOf),
      words: command.name() === 'completion' ? shellNames : [],
    },
    ...subcommands.flatMap((sub) => levelsOf(sub, `${at} ${sub.name()}`)),
  ]
}

function flagOf({ short, long, flags, description, required, optional }: Option): Flag {
  const placeholder = /[<[]([^>\]]+)/.exec(flags)?.[1] ?? ''
  return {
    names: [short, long].filter((name) => name !== undefined),
    says: description,
    value:
      required || optional
        ? { words: values[placeholder] ?? [], isFile: placeholder === 'file' || placeholder === 'folder' }
        : undefined,
  }
}

function firstSentence(text: string): string {
  return text.replace(/[.:](\s.*)?$/s, '')
}

/** In single quotes, for all three shells. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}

/** Cases of a `case` (bash, zsh): where each option that takes a value stands. */
function valueCases(levels: readonly Level[], write: (value: NonNullable<Flag['value']>) => string): string[] {
  return levels.flatMap(({ at, options }) =>
    options.flatMap(({ names, value }) =>
      value === undefined
        ? []
        : [`      ${names.map((name) => quoted(`${at} ${name}`)).join('|')}) ${write(value)} ;;`],
    ),
  )
}

/** The words that lead to a command, whatever flags and values stand between them. */
function walk(levels: readonly Level[], word: string): string {
  const known = levels.slice(1).map(({ at }) => quoted(at))
  const skipped = valueCases(levels, () => 'skip=1')
  return `if [[ -n $skip ]]; then skip=""; continue; fi
    case "$at ${word}" in
      ${known.join('|')}) at="$at ${word}" ;;
${skipped.join('\n')}
    esac`
}

function bash(levels: readonly Level[]): string {
  const byValue = valueCases(levels, ({ words, isFile }) =>
    isFile
      ? 'COMPREPLY=($(compgen -f -- "$cur")); compopt -o filenames 2>/dev/null; return'
      : `COMPREPLY=($(compgen -W ${quoted(words.join(' '))} -- "$cur")); return`,
  )
  const byLevel = levels.map(({ at, commands, options, words }) => {
    const names = [...commands.map(({ name }) => name), ...words]
    const flags = options.flatMap((option) => option.names)
    return `    ${quoted(at)}) names=${quoted(names.join(' '))} flags=${quoted(flags.join(' '))} ;;`
  })
  return `# millrace completion for bash:  source <(millrace completion bash)
_millrace() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" at="" skip="" names="" flags="" i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    ${walk(levels, '${COMP_WORDS[i]}')}
  done
  if [[ -n $skip ]]; then
    case "$at $before" in
${byValue.join('\n')}
    esac
  fi
  case "$at" in
${byLevel.join('\n')}
  esac
  if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "$flags" -- "$cur"))
  else COMPREPLY=($(compgen -W "$names" -- "$cur")); fi
}
complete -F _millrace millrace
`
}

function zsh(levels: readonly Level[]): string {
  const described = (name: string, says: string) => quoted(`${name.replaceAll(':', '\\:')}:${says}`)
  const byValue = valueCases(levels, ({ words, isFile }) =>
    isFile ? '_files; return' : words.length === 0 ? 'return' : `compadd -- ${words.join(' ')}; return`,
  )
  const byLevel = levels.map(({ at, commands, options, words }) => {
    const names = [...commands.map(({ name, says }) => described(name, says)), ...words.map(quoted)]
    const flags = options.flatMap((option) => option.names.map((name) => described(name, option.says)))
    return `    ${quoted(at)}) names=(${names.join(' ')}) flags=(${flags.join(' ')}) ;;`
  })
  return `#compdef millrace
# millrace completion for zsh:  source <(millrace completion zsh), or as _millrace in a folder of $fpath
_millrace() {
  local at="" skip="" before="\${words[CURRENT-1]}" i
  local -a names flags
  for ((i = 2; i < CURRENT; i++)); do
    ${walk(levels, '${words[i]}')}
  done
  if [[ -n $skip ]]; then
    case "$at $before" in
${byValue.join('\n')}
    esac
  fi
  case "$at" in
${byLevel.join('\n')}
  esac
  if [[ \${words[CURRENT]} == -* ]]; then _describe -o option flags
  elif (( \${#names} )); then _describe command names; fi
}
if [[ \${funcstack[1]} == _millrace ]]; then _millrace "$@"; else compdef _millrace millrace; fi
`
}

function fish(levels: readonly Level[]): string {
  const known = levels.slice(1).map(({ at }) => quoted(at))
  const skipped = levels.flatMap(({ at, options }) =>
    options.flatMap(({ names, value }) => (value === undefined ? [] : names.map((name) => quoted(`${at} ${name}`)))),
  )
  const lines = levels.flatMap(({ at, commands, options, words }) => {
    const here = `complete -c millrace -n "__millrace_at ${quoted(at)}"`
    return [
      ...commands.map(({ name, says }) => `${here} -f -a ${name} -d ${quoted(says)}`),
      ...words.map((word) => `${here} -f -a ${word}`),
      ...options.map(({ names, says, value }) => {
        const flags = names.map((name) => (name.startsWith('--') ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`))
        const after =
          value === undefined
            ? ''
            : value.isFile
              ? ' -r -F'
              : ` -x${value.words.length === 0 ? '' : ` -a ${quoted(value.words.join(' '))}`}`
        return `${here} ${flags.join(' ')}${after} -d ${quoted(says)}`
      }),
    ]
  })
  return `# millrace completion for fish:  millrace completion fish | source
function __millrace_at
    set -l at ""
    set -l skip ""
    for word in (commandline -opc)[2..]
        if test -n "$skip"
            set skip ""
            continue
        end
        switch "$at $word"
            case ${known.join(' ')}
                set at "$at $word"
            case ${skipped.join(' ')}
                set skip 1
        end
    end
    test "$at" = "$argv[1]"
end
complete -c millrace -f
${lines.join('\n')}
`
}
