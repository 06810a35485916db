/**
 * Severities of logs, on one scale for every source: OpenTelemetry's 1 to 24 in `log_level_num`, six words in `log_level`.
 *
 * | log_level | log_level_num | first | of loggers that count in tens (bunyan, pino) |
 * | --------- | ------------- | ----- | -------------------------------------------- |
 * | trace     | 1 to 4        | 1     | 10                                           |
 * | debug     | 5 to 8        | 5     | 20                                           |
 * | info      | 9 to 12       | 9     | 30                                           |
 * | warn      | 13 to 16      | 13    | 40                                           |
 * | error     | 17 to 20      | 17    | 50                                           |
 * | fatal     | 21 to 24      | 21    | 60                                           |
 */
export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const
export type LogLevel = (typeof logLevels)[number]

/** Other words for the same, lower-case. */
const otherWords: ReadonlyMap<string, LogLevel> = new Map([
  ['verbose', 'trace'],
  ['information', 'info'],
  ['informational', 'info'],
  ['warning', 'warn'],
  ['err', 'error'],
  ['critical', 'fatal'],
  ['crit', 'fatal'],
  ['alert', 'fatal'],
  ['emergency', 'fatal'],
  ['emerg', 'fatal'],
  ['panic', 'fatal'],
])

/** The level of a word in any case; undefined for a word of somebody's own. */
export function levelOfWord(word: string): LogLevel | undefined {
  const lower = word.toLowerCase()
  return (logLevels as readonly string[]).includes(lower) ? (lower as LogLevel) : otherWords.get(lower)
}

/** The level of 1 to 24; undefined for other numbers. */
export function levelOfSeverity(severity: number): LogLevel | undefined {
  return Number.isInteger(severity) && severity >= 1 && severity <= 24 ? logLevels[(severity - 1) >> 2] : undefined
}

/** The lowest number of a level. */
export function severityOfLevel(level: LogLevel): number {
  return logLevels.indexOf(level) * 4 + 1
}

/**
 * 10, 20, 30, 40, 50 and 60 of loggers that count in tens → 1, 5, 9, 13, 17, 21. For sources that are known to count so: 10 and 20
 * are severities of OpenTelemetry too (info and error). Undefined for other numbers.
 */
export function severityOfTens(tens: number): number | undefined {
  const level = logLevels[tens / 10 - 1]
  return level === undefined ? undefined : severityOfLevel(level)
}
