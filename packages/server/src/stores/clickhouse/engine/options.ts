import { PipelineError } from '../../../core/errors.ts'

/** What the engine's process is told, as JSON in its first argument: nothing secret. */
export interface EngineOptions {
  /** Millrace's data directory, absolute. */
  readonly dataDir: string
  /** Every configured project: each gets a read-only user of its own. */
  readonly projects: readonly string[]
  /** Limits of what people ask: `query` of the configuration. */
  readonly ask: { readonly seconds: number; readonly memoryBytes: number; readonly rows: number }
  /** What the whole engine may use; beyond it a query is refused, not the machine. */
  readonly memoryBytes: number
}

/** Our own database: the engine's `default` is an Overlay, which refreshable views do not take. */
export const databaseName = 'millrace'

const maxProjectLength = 128

/** Throws `config` on what cannot be: the options become XML and SQL. */
export function checkEngineOptions(options: EngineOptions): void {
  const { dataDir, projects, ask, memoryBytes } = options
  if (!dataDir.startsWith('/')) throw refused('the data directory', dataDir, 'an absolute path')
  // Control characters have no place in XML, not even escaped.
  // oxlint-disable-next-line no-control-regex
  for (const project of projects)
    if (project === '' || project.length > maxProjectLength || /[\u0000-\u001f\u007f\ufffe\uffff]/.test(project))
      throw refused(
        'a project',
        JSON.stringify(project),
        `1 to ${maxProjectLength} characters without control characters`,
      )
  if (!(ask.seconds > 0)) throw refused('query.seconds', ask.seconds, 'more than 0')
  if (!(ask.memoryBytes >= 1e6)) throw refused('query.memory', ask.memoryBytes, 'at least 1 MB')
  if (!(ask.rows >= 1)) throw refused('query.rows', ask.rows, 'at least 1')
  if (!(memoryBytes >= 300e6)) throw refused('store.memory', memoryBytes, 'at least 300 MB')
}

function refused(what: string, value: unknown, expected: string): PipelineError {
  return new PipelineError('config', `${what} is ${String(value)}, expected ${expected}`)
}
