import { expect, it } from 'vitest'
import { levelOfSeverity, levelOfWord, logLevels, severityOfLevel, severityOfTens } from './severity.ts'

it('has four numbers for each of the six levels, and none beyond', () => {
  const levels = Array.from({ length: 26 }, (_, severity) => levelOfSeverity(severity))
  const fours = logLevels.flatMap((level) => [level, level, level, level])
  expect(levels).toEqual([undefined, ...fours, undefined])
  expect([levelOfSeverity(-1), levelOfSeverity(9.5), levelOfSeverity(Number.NaN)]).toEqual([
    undefined,
    undefined,
    undefined,
  ])
})

it('gives each level its first number, and finds it there again', () => {
  expect(logLevels.map(severityOfLevel)).toEqual([1, 5, 9, 13, 17, 21])
  for (const level of logLevels) expect(levelOfSeverity(severityOfLevel(level))).toBe(level)
})

it('maps the tens of loggers onto the same scale (G3-8)', () => {
  expect([10, 20, 30, 40, 50, 60].map(severityOfTens)).toEqual([1, 5, 9, 13, 17, 21])
  expect([0, 9, 15, 70, -10].map(severityOfTens)).toEqual(new Array(5).fill(undefined))
})

it('knows the words of other loggers in any case, and leaves words of their own', () => {
  expect(['INFO', 'Warning', 'err', 'CRITICAL', 'verbose', 'Information', 'Emergency'].map(levelOfWord)).toEqual([
    'info',
    'warn',
    'error',
    'fatal',
    'trace',
    'info',
    'fatal',
  ])
  expect([levelOfWord('audit'), levelOfWord('')]).toEqual([undefined, undefined])
})
