import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CliOptions, cli } from '../support/cli.ts'
import { createInstance, eventually, freePort, type Instance } from '../support/instance.ts'
import { count, ledger, settled, storedEvent } from '../support/pipeline.ts'

let instance: Instance
let api: string

beforeAll(async () => {
  instance = createInstance()
  ;({ api } = await instance.start())
})
afterAll(() => instance.dispose())

/** The command with the address in MILLRACE_URL; what it printed on stdout as lines. */
async function run(args: readonly string[], options: CliOptions = {}) {
  const result = await cli(args, { ...options, env: { MILLRACE_URL: api, ...options.env } })
  return { ...result, lines: result.stdout === '' ? [] : result.stdout.replace(/\n$/, '').split('\n') }
}

const rows = (lines: readonly string[]) => lines.map((line) => JSON.parse(line) as Record<string, unknown>)

describe('send', () => {
  it('stores an event given as an argument, and says so in one line of JSON', async () => {
    const sent = await run([
      'send',
      '{"id":"arg-1","event_name":"signed_up","actor_id":"ada","properties":{"plan":"pro"}}',
    ])
    expect(sent).toMatchObject({ code: 0, stderr: '' })
    expect(rows(sent.lines)).toEqual([{ sent: 1, stored: 1, duplicate: 0, dropped: 0, quarantined: 0 }])
    expect(await storedEvent(api, 'arg-1')).toMatchObject({ event_name: 'signed_up', properties: { plan: 'pro' } })
  })

  it('reads NDJSON from a pipe, in batches', async () => {
    const stdin = Array.from({ length: 250 }, (_, at) => `{"id":"pipe-${at}","event_name":"piped"}\n`).join('\n')
    const sent = await run(['send', '--batch', '100'], { stdin })
    expect(sent).toMatchObject({ code: 0, stderr: '' })
    expect(rows(sent.lines)).toEqual([{ sent: 250, stored: 250, duplicate: 0, dropped: 0, quarantined: 0 }])
    const again = await run(['send'], { stdin })
    expect(again.code).toBe(0) // known is as good as stored
    expect(rows(again.lines)).toEqual([{ sent: 250, stored: 0, duplicate: 250, dropped: 0, quarantined: 0 }])
  })

  it('ends with 8 when some were not stored, and names the lines', async () => {
    const stdin = '{"id":"part-1","event_name":"e"}\n{"id":"part-2"}\nnot json\n{"id":"part-3","event_name":"e"}\n'
    const sent = await run(['send', '--batch', '2'], { stdin })
    expect(sent.code).toBe(8)
    expect(rows(sent.lines)).toEqual([{ sent: 4, stored: 2, duplicate: 0, dropped: 0, quarantined: 2 }])
    const said = sent.stderr.trim().split('\n')
    expect(said[0]).toMatch(/^line 2: quarantined \(schema\) part-2 \/event_name: required/)
    expect(said[1]).toMatch(/^line 3: quarantined /)
    expect(said[2]).toBe('millrace: 2 of 4 events were not stored')
  })
})

describe('query', () => {
  const sql =
    "select * from (select 1 as n, 'a,b' as text, null as nothing union all select 2 as n, 'c' as text, null as nothing) order by n"
  it.each([
    ['ndjson', '{"n":1,"text":"a,b","nothing":null}\n{"n":2,"text":"c","nothing":null}\n'],
    ['csv', '"n","text","nothing"\n1,"a,b",\\N\n2,"c",\\N\n'],
  ])('-o %s', async (format, expected) => {
    const asked = await run(['query', sql, '-o', format])
    expect(asked).toMatchObject({ code: 0, stderr: '', stdout: expected })
  })

  it('-o json and --json are one array; a pipe gets NDJSON by itself', async () => {
    for (const flags of [['-o', 'json'], ['--json']])
      expect(JSON.parse((await run(['query', sql, ...flags])).stdout)).toEqual([
        { n: 1, text: 'a,b', nothing: null },
        { n: 2, text: 'c', nothing: null },
      ])
    expect((await run(['query', sql])).lines).toHaveLength(2)
  })

  it('-o table aligns columns under their names', async () => {
    const { lines } = await run(['query', sql, '-o', 'table'])
    expect(lines).toEqual(['n  text  nothing', '1  a,b', '2  c'])
  })

  it('-o parquet writes a Parquet file', async () => {
    const { code, bytes } = await run(['query', 'select * from events', '-o', 'parquet'])
    expect([code, bytes.toString('latin1', 0, 4), bytes.toString('latin1', bytes.length - 4)]).toEqual([
      0,
      'PAR1',
      'PAR1',
    ])
  })

  it('takes parameters of any type', async () => {
    const asked = await run([
      'query',
      'select {s:String} as s, {n:Int64} as n, {l:Array(String)} as l',
      '--param',
      "s=it's = fine",
      '--param',
      'n=-5',
      '--param',
      'l=["a","it\'s"]',
    ])
    expect(asked).toMatchObject({ code: 0, stderr: '' })
    expect(rows(asked.lines)).toEqual([{ s: "it's = fine", n: '-5', l: ['a', "it's"] }])
  })

  it('an empty answer is success and prints nothing', async () => {
    expect(await run(['query', "select * from events where id = 'never'"])).toMatchObject({
      code: 0,
      stdout: '',
      stderr: '',
    })
    expect((await run(['query', "select * from events where id = 'never'", '--json'])).stdout.trim()).toBe('[]')
  })

  it('a wrong query ends with 1 and the reason of the engine, in one line', async () => {
    const asked = await run(['query', 'select nothing from events'])
    expect([asked.code, asked.stdout]).toEqual([1, ''])
    expect(asked.stderr).toMatch(/^millrace: .*nothing/)
  })
})

describe('why, status and tail', () => {
  it('why tells the way, and ends with 5 for an id that was never seen', async () => {
    const told = await run(['why', 'arg-1'])
    expect(told.code).toBe(0)
    expect(rows(told.lines)).toMatchObject([{ id: 'arg-1', outcome: 'stored' }])
    const never = await run(['why', 'never-seen'])
    expect([never.code, never.stdout]).toEqual([5, ''])
    expect(never.stderr).toMatch(/^millrace: no event with this id/)
  })

  it('status is one JSON line in a pipe, and pretty with --json', async () => {
    const piped = await run(['status'])
    expect([piped.code, piped.lines.length]).toEqual([0, 1])
    expect(rows(piped.lines)).toMatchObject([{ pid: instance.ready().pid, problems: [] }])
    expect((await run(['status', '--json'])).lines.length).toBeGreaterThan(20)
  })

  it('tail shows what was stored since a while, each once, and ends after --limit', async () => {
    await run(['send'], { stdin: [1, 2, 3].map((at) => `{"id":"tail-${at}","event_name":"tailed"}`).join('\n') })
    await settled(api)
    const shown = await run(['tail', '--since', '10m', '--filter', "event_name = 'tailed'", '--limit', '3'])
    expect(shown.code).toBe(0)
    expect(rows(shown.lines).map(({ id }) => id)).toEqual(['tail-1', 'tail-2', 'tail-3'])
    expect(shown.stderr).toContain('3 events shown, 0 missed')
  })

  it('tail begins now, or where --since says: what was stored before is not shown', async () => {
    const filter = ['--filter', 'event_name ~ ^(tailed|coming)$', '--limit', '2']
    const tails = [
      ['tail', ...filter],
      ['tail', '--since', '1ms', ...filter],
    ].map((args) => run(args))
    let ended = 0
    for (const tail of tails) void tail.then(() => ended++)
    await eventually(async () => {
      await run(['send', JSON.stringify({ event_name: 'coming' })])
      return ended === tails.length || undefined
    }, 30_000)
    for (const tail of tails) {
      const shown = rows((await tail).lines)
      expect(shown.map(({ event_name }) => event_name)).toEqual(['coming', 'coming'])
      expect(new Set(shown.map(({ id }) => id)).size).toBe(2)
    }
  })

  it('tail says at Ctrl-C what it saw, and ends with 130', async () => {
    const shown = await run(['tail', '--since', '10m', '--filter', "event_name = 'tailed'"], {
      interrupt: { at: '"tail-3"', signal: 'SIGINT' },
    })
    expect([shown.code, shown.lines.length]).toEqual([130, 3])
    expect(shown.stderr).toContain('3 events shown, 0 missed')
  })
})

describe('demo', () => {
  const demo = () => run(['demo', '--days', '2', '--seed', '42', '--limit', '500'])

  it('sends two days of traffic through the SDK: a funnel, a bad release in quarantine, retries that are duplicates', async () => {
    const before = (await settled(api)).sums
    const sent = await demo()
    expect(sent.code).toBe(0)
    const [counts] = rows(sent.lines) as { sent: number; accepted: number; failed: number }[]
    expect(counts).toMatchObject({ accepted: counts!.sent, failed: 0 })
    expect(counts!.sent).toBeGreaterThan(500) // with the retries
    const after = (await settled(api)).sums
    const more = (name: keyof typeof before) => after[name] - before[name]
    expect(more('stored') + more('quarantined')).toBeGreaterThanOrEqual(500)
    expect(more('duplicate')).toBeGreaterThan(0)
    expect(more('quarantined')).toBeGreaterThan(0)
    expect(more('received')).toBe(counts!.sent)
    const [views, signUps, purchases] = await Promise.all(
      ["event_name = 'page_view'", "event_name = 'Signed Up'", "event_name = 'Purchase Completed'"].map((where) =>
        count(api, `${where} AND id LIKE 'demo-42-%'`),
      ),
    )
    expect(views).toBeGreaterThan(signUps!)
    expect(signUps).toBeGreaterThan(purchases!)
    expect(purchases).toBeGreaterThan(0)
  })

  it('with the same seed sends the same events again: nothing new is stored', async () => {
    const before = (await ledger(api)).sums
    const again = await demo()
    expect(again.code).toBe(0)
    const after = (await settled(api)).sums
    expect(after.stored).toBe(before.stored)
    const known = after.duplicate - before.duplicate + after.quarantined - before.quarantined
    expect(rows(again.lines)).toMatchObject([{ sent: known }])
  })
})

describe('exit codes and help', () => {
  it.each([
    ['an unknown command', ['qery', 'select 1'], /did you mean query/i],
    ['an unknown flag', ['query', 'select 1', '--jsno'], /did you mean --json/i],
    ['a missing argument', ['query'], /missing required argument/],
    ['an unknown format', ['query', 'select 1', '-o', 'xml'], /"xml".*table, json, ndjson, csv, parquet/],
    ['a parameter without a value', ['query', 'select 1', '--param', 'x'], /"x".*name=value/],
    ['a limit that is none', ['tail', '--limit', 'many'], /--limit/],
    ['a duration that is none', ['tail', '--since', 'soon'], /--since/],
    ['days that are none', ['demo', '--days', 'some'], /--days "some"/],
    ['a scope that is none', ['keys', 'create', '--scope', 'root'], /"root".*write, read or admin/],
  ])('%s is 2, and says what was meant', async (_name, args, says) => {
    const result = await run(args)
    expect([result.code, result.stdout]).toEqual([2, ''])
    expect(result.stderr).toMatch(says)
    expect(result.stderr).not.toMatch(/\n\s+at /)
  })

  it('a wrong configuration is 3', async () => {
    const checked = await run(['config', 'check', '--set', 'query.rows=-1'])
    expect([checked.code, checked.stdout]).toEqual([3, ''])
    expect(checked.stderr).toMatch(/query\.rows.*-1/)
    const environment = await run(['config', 'check'], { env: { MILLRACE_QUERY_ROWZ: '1' } })
    expect(environment.code).toBe(3)
    expect(environment.stderr).toMatch(/MILLRACE_QUERY_ROWZ.*MILLRACE_QUERY_ROWS/)
  })

  it('config show lists every key with its value and origin, and no secret', async () => {
    const shown = await run(['config', 'show', '--set', 'query.rows=5', '-o', 'ndjson'], {
      env: { MILLRACE_QUERY_SECONDS: '7' },
    })
    const keys = new Map(rows(shown.lines).map((row) => [row['key'], row]))
    expect(keys.get('query.rows')).toEqual({ key: 'query.rows', value: 5, origin: 'flag --set' })
    expect(keys.get('query.seconds')).toEqual({
      key: 'query.seconds',
      value: 7,
      origin: 'environment MILLRACE_QUERY_SECONDS',
    })
    expect(keys.get('collector.port')).toEqual({ key: 'collector.port', value: 8088, origin: 'default' })
  })

  it('a server that is not there is 6, with what to do', async () => {
    const url = `http://127.0.0.1:${await freePort()}`
    for (const args of [['query', 'select 1'], ['why', 'x'], ['status'], ['send', '{}'], ['tail', '--limit', '1']]) {
      const result = await run([...args, '--url', url])
      expect([args[0], result.code, result.stdout]).toEqual([args[0], 6, ''])
      expect(result.stderr).toContain(`cannot reach ${url}`)
      expect(result.stderr).toContain('millrace start')
    }
  })

  it('a server that does not answer in time is 124', async () => {
    instance.signal('worker', 'SIGSTOP')
    try {
      expect((await run(['query', 'select 1', '--timeout', '0.3'])).code).toBe(124)
    } finally {
      instance.signal('worker', 'SIGCONT')
    }
    await eventually(async () => (await run(['query', 'select 1'])).code === 0 || undefined)
  })

  it.each([
    [['--help']],
    [['query', '--help']],
    [['start', '--help']],
    [['keys', 'create', '--help']],
    [['demo', '--help']],
  ])('millrace %s shows examples before flags, on stdout, and ends with 0', async (args) => {
    const { code, stdout, stderr } = await run(args)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout.indexOf('Examples:')).toBeGreaterThan(0)
    expect(stdout.indexOf('Examples:')).toBeLessThan(stdout.indexOf('Options:'))
    expect(stdout).toMatch(/npx millrace /)
  })

  it('--version is the version', async () => {
    const { code, stdout } = await run(['--version'])
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)])
  })
})
