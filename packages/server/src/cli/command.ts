import { styleText } from 'node:util'
import { Command, Help } from 'commander'

export interface Example {
  readonly command: string
  readonly says: string
}

/** A command whose help shows what it does, then examples, and only then its flags. */
export function defineCommand(usage: string, does: string, examples: readonly Example[]): Command {
  const name = usage.split(' ')[0]!
  const command = new Command(name)
  const rest = usage.slice(name.length).trim()
  if (rest !== '') command.arguments(rest)
  return command.description(does).configureHelp({ formatHelp: (self, helper) => formatHelp(self, helper, examples) })
}

export function formatHelp(command: Command, helper: Help, examples: readonly Example[]): string {
  // The description stands at the top already.
  const withoutDescription = Object.assign(Object.create(helper) as Help, { commandDescription: () => '' })
  const usual = Help.prototype.formatHelp.call(withoutDescription, command, withoutDescription)
  const width = Math.max(0, ...examples.map((example) => example.command.length))
  const shown = examples.map(({ command: line, says }) => `  ${line.padEnd(width)}  ${styleText('dim', says)}`)
  return [command.description(), '', 'Examples:', ...shown, '', usual].join('\n')
}
