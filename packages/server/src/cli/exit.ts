/** Exit codes of docs/guide/operating.md. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  config: 3,
  auth: 4,
  notFound: 5,
  unreachable: 6,
  checkFailed: 7,
  partial: 8,
  timeout: 124,
  interrupted: 130,
} as const

/** An end that was foreseen: one sentence for the user and the exit code. */
export class CliError extends Error {
  override readonly name = 'CliError'
  readonly exitCode: number

  constructor(message: string, exitCode: number, options?: { cause?: unknown }) {
    super(message, options)
    this.exitCode = exitCode
  }
}
