import pino from 'pino'
import type { Logger } from '../core/deps.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** JSON lines on stderr; pretty in a terminal. Synchronous: what is said before a crash is there after it. Never a key or an event. */
export function createLogger(level: LogLevel, bindings: Readonly<Record<string, unknown>>): Logger {
  const options = {
    level,
    base: bindings,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  if (!process.stderr.isTTY) return pino(options, pino.destination({ dest: 2, sync: true }))
  return pino({ ...options, transport: { target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } } })
}
