import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const bin = join(import.meta.dirname, '../../bin/millrace.mjs')
let cwd: string
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
})
afterAll(() => rmSync(cwd, { recursive: true, force: true }))

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

function millrace(
  args: readonly string[],
  options: { env?: Record<string, string>; input?: string } = {},
): Promise<Ran> {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('MILLRACE_'))
  const env = { ...Object.fromEntries(inherited), NO_COLOR: '1', ...options.env }
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [bin, ...args], { cwd, env }, (error, out, err) => {
      resolve({ code: error === null ? 0 : Number(error.code), out, err })
    })
    child.stdin?.end(options.input ?? '')
  })
}

const commands = [
  [],
  ['start'],
  ['send'],
  ['query'],
  ['tail'],
  ['why'],
  ['status'],
  ['demo'],
  ['keys'],
  ['keys', 'create'],
  ['keys', 'list'],
  ['keys', 'revoke'],
  ['config'],
  ['config', 'show'],
  ['config', 'check'],
  ['bench'],
  ['completion'],
]

describe('help', () => {
  it.each(commands.map((command) => ({ command, name: ['millrace', ...command].join(' ') })))(
    'of $name says what it does, then examples, then flags',
    async ({ command }) => {
      const { code, out, err } = await millrace([...command, '--help'])
      expect([code, err]).toEqual([0, ''])
      const places = [
        out.indexOf('Examples:'),
        out.indexOf(`npx millrace ${command.join(' ')}`),
        out.indexOf('Usage:'),
        out.indexOf('Options:'),
      ]
      expect(places.every((place) => place > 0)).toBe(true)
      expect(places).toEqual(places.toSorted((a, b) => a - b))
      // What the command does stands there once, at the top.
      const [first = ''] = out.split('\n')
      expect(out.replaceAll(/\s+/g, ' ').split(first)).toHaveLength(2)
    },
  )

  it('names every command', async () => {
    const { out } = await millrace(['--help'])
    for (const [name] of commands) if (name !== undefined) expect(out).toMatch(new RegExp(`^ +${name}\\b`, 'm'))
  })

  it('comes on stderr with exit 2 when nothing is asked', async () => {
    const { code, out, err } = await millrace([])
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain('Examples:')
  })
})

it('tells its version', async () => {
  expect(await millrace(['--version'])).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
  })
})

describe('usage errors end with 2', () => {
  it.each([
    [['statsu'], /unknown command 'statsu'[^]*Did you mean status\?/],
    [['keys', 'crate'], /unknown command 'crate'[^]*Did you mean create\?/],
    [['query'], /missing required argument 'sql'/],
    [['why'], /missing required argument 'id'/],
    [['status', '--jsno'], /unknown option '--jsno'[^]*Did you mean --json\?/],
    [['query', 'select 1', '-o', 'xml'], /unknown output format "xml"; one of table, json, ndjson, csv, parquet/],
    [['query', 'select 1', '--param', 'x'], /--param "x": expected name=value/],
    [['status', '--url', 'nope'], /"nope" is no address/],
    [['status', '--timeout', 'soon'], /--timeout "soon": expected seconds/],
    [['tail', '--limit', 'x'], /--limit "x": expected a whole number/],
    [['tail', '--since', 'x'], /--since "x": expected a duration/],
    [['send', '--batch', '0', '{}'], /--batch "0": expected a whole number/],
    [['demo', '--rate', '0'], /--rate "0": expected a whole number/],
    [['keys', 'create', '--scope', 'wirte'], /--scope "wirte": expected write, read or admin/],
    [['keys', 'create', '--project', 'Shop'], /--project: must be 1 to 63 characters/],
  ])('%j', async (args, message) => {
    const { code, out, err } = await millrace(args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toMatch(message)
    expect(err).not.toMatch(/\n\s+at /)
  })
})

describe('configuration errors end with 3', () => {
  it.each([['start'], ['config', 'check'], ['config', 'show'], ['keys', 'list']])('%s %s', async (...args) => {
    const { code, out, err } = await millrace(args.filter(Boolean), { env: { MILLRACE_API_PORT: 'x' } })
    expect([code, out]).toEqual([3, ''])
    expect(err).toBe(
      'millrace: api.port: expected number, received string (got "x") — from environment MILLRACE_API_PORT\n',
    )
  })

  it.each([['start'], ['collector'], ['keys', 'list']])('where no data directory can be: %s %s', async (...args) => {
    const { code, out, err } = await millrace([...args.filter(Boolean), '--data', '/proc/x'])
    expect([code, out]).toEqual([3, ''])
    expect(err).toMatch(
      /^millrace: the data directory \(--data\): \/proc\/x.* cannot be made \(ENOENT\); name a directory/,
    )
  })

  it('before anything is made on disk', async () => {
    await millrace(['start', '--data', join(cwd, 'never'), '--set', 'nope=1'])
    expect(existsSync(join(cwd, 'never'))).toBe(false)
  })
})

describe.each([
  ['status'],
  ['query', 'select 1'],
  ['why', 'x'],
  ['tail'],
  ['send', '{"event_name":"x"}'],
  ['demo', '--limit', '1'],
])('%s without a server', (...args) => {
  it('ends with 6 and says how to start one', async () => {
    const url = await freeAddress()
    const { code, err } = await millrace(args, { env: { MILLRACE_URL: url } })
    expect(code).toBe(6)
    expect(err).toContain(`cannot reach ${url} (ECONNREFUSED); is it running? \`npx millrace start\``)
  })
})

async function freeAddress(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return `http://127.0.0.1:${port}`
}

describe('send', () => {
  const receipt = { id: 'x', outcome: 'quarantined', reason: 'schema', issues: ['/url: expected text'] }

  it('names the line of its input that was not stored, also after empty ones and in a later batch', async () => {
    await using server = await collecting((bodies) =>
      bodies === 2
        ? {
            status: 200,
            body: { stored: 0, duplicate: 0, dropped: 0, quarantined: 1, receipts: [{ index: 0, ...receipt }] },
          }
        : { status: 200, body: { stored: 2, duplicate: 0, dropped: 0, quarantined: 0, receipts: [] } },
    )
    const input = '{"n":1}\r\n\n\n{"n":2}\n\n{"n":3}'
    const { code, out, err } = await millrace(['send', '--batch', '2', '--collector', server.url], { input })
    expect(server.bodies).toEqual(['{"n":1}\n{"n":2}', '{"n":3}'])
    expect([code, JSON.parse(out)]).toEqual([8, { sent: 3, stored: 2, duplicate: 0, dropped: 0, quarantined: 1 }])
    expect(err).toBe('line 6: quarantined (schema) x /url: expected text\nmillrace: 1 of 3 events were not stored\n')
  })

  it('takes an argument over several lines for one event', async () => {
    await using server = await collecting(() => ({
      status: 200,
      body: { stored: 2, duplicate: 0, dropped: 0, quarantined: 0, receipts: [] },
    }))
    const { code } = await millrace(['send', '{\n "n": 1\n}', '{"n":2}', '--collector', server.url])
    expect([code, server.bodies]).toEqual([0, ['{  "n": 1 }\n{"n":2}']])
  })

  it('says what was taken before a later request was refused', async () => {
    await using server = await collecting((bodies) =>
      bodies === 1
        ? { status: 200, body: { stored: 1, duplicate: 0, dropped: 0, quarantined: 0, receipts: [] } }
        : { status: 401, body: { code: 'unauthorized', detail: 'this key was revoked' } },
    )
    const { code, out, err } = await millrace(['send', '--batch', '1', '--collector', server.url], {
      input: '{}\n{}\n{}',
    })
    expect([code, JSON.parse(out)]).toEqual([4, { sent: 1, stored: 1, duplicate: 0, dropped: 0, quarantined: 0 }])
    expect(err).toBe('millrace: this key was revoked; the key is taken from MILLRACE_KEY\n')
  })

  it('tells people in a sentence, and programs in JSON', async () => {
    await using server = await collecting(() => ({
      status: 200,
      body: { stored: 1, duplicate: 1, dropped: 0, quarantined: 0, receipts: [] },
    }))
    const events = ['{"n":1}', '{"n":2}', '--collector', server.url]
    expect(await millrace(['send', ...events, '-o', 'table'])).toMatchObject({
      code: 0,
      out: '2 events sent: 1 stored, 1 duplicate\n',
    })
    const { out } = await millrace(['send', ...events, '-o', 'csv'])
    expect(out).toBe('sent,stored,duplicate,dropped,quarantined\r\n2,1,1,0,0\n')
    expect((await millrace(['send', ...events, '-o', 'parquet'])).code).toBe(2)
  })

  it('says where it sends when only a write key is given, and how to name another place', async () => {
    await using api = await collecting(() => ({ status: 403, body: { code: 'forbidden', detail: 'an admin key' } }))
    const { err } = await millrace(['send', '{}', '--url', api.url])
    expect(err).toMatch(
      /^only an admin key may ask the API where the collector is: sending to http:\/\/127\.0\.0\.1:8088; name another with --collector or MILLRACE_COLLECTOR_URL\n/,
    )
    const away = await millrace(['send', '{}', '--collector', 'http://127.0.0.1:1'])
    expect([away.code, away.err]).toEqual([6, expect.stringMatching(/--collector or MILLRACE_COLLECTOR_URL\n$/)])
    expect((await millrace(['send', '{}', '--url', 'http://127.0.0.1:1'])).err).toMatch(
      /--url .*; or say .*--collector/,
    )
  })

  it('of nothing is success', async () => {
    await using server = await collecting(() => ({ status: 500, body: {} }))
    const { code, out } = await millrace(['send', '--collector', server.url])
    expect([code, JSON.parse(out)]).toEqual([0, { sent: 0, stored: 0, duplicate: 0, dropped: 0, quarantined: 0 }])
  })
})

/** A server that answers POSTs as it is told. */
async function collecting(answer: (bodies: number) => { status: number; body: object }) {
  const bodies: string[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      bodies.push(body)
      const { status, body: told } = answer(bodies.length)
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(told))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe('config', () => {
  it('shows every key with its value and origin, secrets hidden', async () => {
    const file = join(cwd, 'given.json')
    const sha256 = 'c0ffee'.padEnd(64, '0')
    writeFileSync(
      file,
      JSON.stringify({
        dedup: { window: '2 d' },
        projects: { shop: { keys: [{ id: 'k1', scope: 'write', sha256 }] } },
        store: { url: 'http://db:8123', user: 'me', password: 'hunter2' },
      }),
    )
    const { code, out } = await millrace(['config', 'show', '--config', file, '--set', 'query.rows=5'])
    expect(code).toBe(0)
    expect(out).not.toMatch(/c0ffee|hunter2/)
    const rows = new Map(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as { key: string; value: unknown; origin: string })
        .map((row) => [row.key, row] as const),
    )
    expect(rows.get('dedup.window')).toEqual({ key: 'dedup.window', value: 172_800_000, origin: `file ${file}` })
    expect(rows.get('query.rows')).toEqual({ key: 'query.rows', value: 5, origin: 'flag --set' })
    expect(rows.get('api.port')).toEqual({ key: 'api.port', value: 8089, origin: 'default' })
    expect(rows.get('projects.shop.keys')?.value).toEqual([{ id: 'k1', scope: 'write', sha256: '(hidden)' }])
    expect(rows.get('store.driver')?.value).toBe('server')
  })

  it('checks in one line', async () => {
    expect(await millrace(['config', 'check', '--set', 'api.port=0'])).toEqual({
      code: 0,
      out: 'the configuration is right; 1 key is set\n',
      err: '',
    })
  })
})

describe('keys', () => {
  it('are made, listed and revoked in the data directory; the secret is shown once', async () => {
    const data = ['--data', join(cwd, 'data')]
    const made = await millrace(['keys', 'create', '--scope', 'read', ...data, '--json'])
    expect(made.code).toBe(0)
    const [key] = JSON.parse(made.out) as { id: string; project: string; scope: string; secret: string }[]
    expect(key).toEqual({
      project: 'default',
      scope: 'read',
      id: expect.any(String) as string,
      secret: expect.stringMatching(/^mr_read_/) as string,
    })

    const listed = await millrace(['keys', 'list', ...data])
    expect(listed.out).not.toContain(key!.secret)
    expect(JSON.parse(listed.out)).toMatchObject({
      id: key!.id,
      scope: 'read',
      where: 'data directory',
      revoked_at: null,
    })

    const revoked = await millrace(['keys', 'revoke', key!.id, ...data])
    expect([revoked.code, revoked.out]).toEqual([0, ''])
    expect(revoked.err).toContain(`key ${key!.id} (read, project default) is revoked`)
    const after = JSON.parse((await millrace(['keys', 'list', ...data])).out) as { revoked_at: string }
    expect(after.revoked_at).toMatch(/^\d{4}-.*Z$/)
    // In a terminal of 80 columns a key that is revoked can be told from one that is not.
    const { out } = await millrace(['keys', 'list', '-o', 'table', ...data], { env: { COLUMNS: '80' } })
    const lines = out.trimEnd().split('\n')
    expect(lines[1]).toMatch(/^\w+ +read +revoked \d{4}-\d\d-\d\d +\d{4}-\d\d-\d\d +data directory$/)
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(80)
  })

  it('are not made for a project that is not configured, nor when they could not be shown', async () => {
    const folder = join(cwd, 'data-2')
    const unknown = await millrace(['keys', 'create', '--project', 'shop', '--data', folder])
    expect([unknown.code, unknown.err]).toEqual([
      5,
      expect.stringContaining('no project shop in the configuration') as string,
    ])
    expect((await millrace(['keys', 'create', '-o', 'parquet', '--data', folder])).code).toBe(2)
    expect((await millrace(['keys', 'list', '--data', folder])).out).toBe('')
  })

  it('that do not exist end with 5', async () => {
    const { code, err } = await millrace(['keys', 'revoke', 'nope', '--data', join(cwd, 'data-3')])
    expect([code, err]).toEqual([5, expect.stringContaining('no key nope') as string])
  })
})

it('leaves nothing in the folder where it is asked', () => {
  expect(readdirSync(cwd).filter((name) => !/^data|^given/.test(name))).toEqual([])
})
