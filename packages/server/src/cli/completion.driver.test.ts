import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'

const bin = join(import.meta.dirname, '../../bin/millrace.mjs')
const has = (shell: string) => spawnSync(shell, ['--version']).status === 0
const scripts = new Map<string, string>()

function run(...args: string[]) {
  return spawnSync(process.execPath, [bin, 'completion', ...args], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
}

beforeAll(() => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { status, stdout, stderr } = run(shell)
    expect([shell, status, stderr]).toEqual([shell, 0, ''])
    scripts.set(shell, stdout)
  }
})

const cases: [line: string, offered: string[]][] = [
  ['ke', ['keys']],
  ['keys ', ['create', 'list', 'revoke']],
  ['keys cr', ['create']],
  ['keys create --sc', ['--scope']],
  ['keys create --scope ', ['write', 'read', 'admin']],
  ['keys create --scope read --pro', ['--project']],
  ['--vers', ['--version']],
  ['start --po', ['--port']],
  ['tail --url http://start --sta', ['--stage']],
  ['query --output p', ['parquet']],
  ['completion z', ['zsh']],
  ['status --nothing', []],
]

/** Of `millrace <line>|`. */
function words(line: string): string[] {
  return ['millrace', ...line.split(' ')]
}

describe('millrace completion', () => {
  it('is bash that bash can read', () => {
    expect(spawnSync('bash', ['-n'], { input: scripts.get('bash'), encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    })
  })

  it.each(cases)('offers in bash for %j: %j', (line, offered) => {
    const all = words(line)
    const script = `${scripts.get('bash')}
COMP_WORDS=(${all.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${all.length - 1}; _millrace; printf '%s\\n' "\${COMPREPLY[@]}"`
    const out = execFileSync('bash', ['-c', script], { encoding: 'utf8' })
    expect(out.split('\n').filter((word) => word !== '')).toEqual(offered)
  })

  it.skipIf(!has('fish')).each(cases)(
    'offers in fish for %j: %j (skipped where fish is not installed)',
    (line, offered) => {
      const script = `${scripts.get('fish')}\ncomplete -C 'millrace ${line}'`
      const out = execFileSync('fish', ['--no-config', '-c', script], { encoding: 'utf8' })
      const found = out.split('\n').flatMap((found) => found.split('\t')[0] || [])
      expect(found.toSorted()).toEqual(offered.toSorted())
    },
  )

  it.skipIf(!has('zsh'))('is zsh that zsh can read (skipped where zsh is not installed)', () => {
    expect(spawnSync('zsh', ['-n'], { input: scripts.get('zsh'), encoding: 'utf8' })).toMatchObject({
      status: 0,
      stderr: '',
    })
  })

  it('knows every command and flag that help knows', () => {
    for (const [shell, script] of scripts)
      for (const word of ['start', 'collector', 'worker', 'send', 'why', 'revoke', 'api-port', 'timeout', 'param'])
        expect([shell, script.includes(word)]).toEqual([shell, true])
  })

  it('says which shells there are', () => {
    expect(run('tcsh')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('expected bash, zsh, fish') as string,
    })
    expect(run()).toMatchObject({ status: 2 })
  })
})
