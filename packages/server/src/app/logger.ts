import pino from 'pino'
import type { Logger } from '../core/deps.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent'

/** A second line of defence: nobody logs headers or settings, and where somebody does, these stay hidden. */
const secretNames = ['authorization', 'cookie', 'password', 'secret', 'sha256', 'key', 'writeKey', 'apiKey', 'token']
const headerNames = ['["x-write-key"]', '["x-api-key"]']
const secretPaths = ['', '*.', '*.*.'].flatMap((prefix) => [
  ...secretNames.map((name) => prefix + name),
  ...headerNames.map((name) => prefix.slice(0, -1) + name),
])

/** JSON lines on stderr; pretty in a terminal. Synchronous: what is said before a crash is there after it. Never a key or an event. */
export function createLogger(level: LogLevel, bindings: Readonly<Record<string, unknown>>): Logger {
  const options = {
    level,
    base: bindings,
    timestamp: pino.stdTimeFunctions.isoTime,
    redact: { paths: secretPaths, censor: '(hidden)' },
    formatters: { level: (label: string) => ({ level: label }) },
  }
  if (!process.stderr.isTTY) return pino(options, pino.destination({ dest: 2, sync: true }))
  return pino({ ...options, transport: { target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } } })
}
