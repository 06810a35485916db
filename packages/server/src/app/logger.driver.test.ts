import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, it } from 'vitest'

/** What a process of ours writes to stderr when it logs so. */
function logged(code: string, level = 'info'): Record<string, unknown>[] {
  const program = `
    import { createLogger } from ${JSON.stringify(join(import.meta.dirname, 'logger.ts'))}
    const logger = createLogger(${JSON.stringify(level)}, { role: 'toy' })
    ${code}`
  const { stderr, stdout, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
  })
  expect([stdout, status]).toEqual(['', 0])
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

it('writes JSON lines with level, time and role to stderr, also right before the end', () => {
  const [line] = logged("logger.warn({ lag: 7 }, 'behind'); process.exit(0)")
  expect(line).toMatchObject({ level: 'warn', role: 'toy', lag: 7, msg: 'behind' })
  expect(line?.['time']).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/)
})

it('keeps quiet below its level', () => {
  expect(logged("logger.debug({}, 'x'); logger.info({}, 'y')", 'warn')).toEqual([])
})

it.each([
  '{ authorization: S }',
  '{ req: { headers: { authorization: S, cookie: S } } }',
  '{ headers: { "x-write-key": S, "x-api-key": S } }',
  '{ config: { store: { password: S } } }',
  '{ key: S, writeKey: S, secret: S, token: S }',
])('hides the secret of %s', (fields) => {
  const [line] = logged(`const S = 'hunter2'; logger.error(${fields}, 'oops')`)
  expect(line?.['msg']).toBe('oops')
  expect(JSON.stringify(line)).not.toContain('hunter2')
})
