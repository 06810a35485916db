import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import { loadConfig } from './config.ts'
import { settingPaths } from './config-paths.ts'
import { configSchema } from './config-schema.ts'
import { environmentName } from './config-sources.ts'

let folder: string
let files = 0
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-config-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(content: unknown, extension = '.json'): string {
  const path = join(folder, `given-${files++}${extension}`)
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}

const load = (flags: Record<string, unknown> = {}, env: Record<string, string> = {}) => loadConfig(flags, env, folder)

async function refusal(flags: Record<string, unknown> = {}, env: Record<string, string> = {}): Promise<string> {
  const error = await load(flags, env).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(PipelineError)
  expect((error as PipelineError).code).toBe('config')
  return (error as PipelineError).message
}

describe('defaults', () => {
  it('are those of the documentation', async () => {
    const { config, origins } = await load()
    expect(config).toMatchObject({
      dataDir: join(folder, 'data'),
      basePath: '',
      auth: 'open',
      projects: {},
      collector: { host: '127.0.0.1', port: 8088, otlpPort: 4318, grpcPort: 4317, trustProxy: false },
      api: { host: '127.0.0.1', port: 8089 },
      log: {
        driver: 'embedded',
        retention: { hours: 168, bytes: 10e9 },
        minFreeBytes: 1e9,
        partitions: 1,
      },
      cache: { driver: 'embedded' },
      state: { driver: 'embedded' },
      store: { driver: 'embedded' },
      dedup: { window: 31 * 86_400_000, maxBytes: 4e9 },
      query: { seconds: 10, memory: 512e6, rows: 100_000 },
    })
    expect(config.collector.tls).toBeUndefined()
    expect(origins.size).toBe(0)
  })
})

describe('precedence', () => {
  it('is flag, environment, file, default; each key for itself', async () => {
    const config = file({ collector: { port: 1001, host: '127.0.0.2', grpcPort: 1002 }, query: { rows: 7 } })
    const loaded = await load(
      { config, port: '3001' },
      { MILLRACE_COLLECTOR_PORT: '2001', MILLRACE_COLLECTOR_GRPC_PORT: '2002' },
    )
    expect(loaded.config.collector).toMatchObject({ port: 3001, grpcPort: 2002, host: '127.0.0.2', otlpPort: 4318 })
    expect(Object.fromEntries(loaded.origins)).toEqual({
      'collector.port': 'flag --port',
      'collector.grpcPort': 'environment MILLRACE_COLLECTOR_GRPC_PORT',
      'collector.host': `file ${config}`,
      'query.rows': `file ${config}`,
    })
  })

  it('lets a flag of its own win over --set', async () => {
    const { config } = await load({
      port: '5',
      apiPort: '6',
      data: 'there',
      set: ['collector.port=1', 'dedup.window=2 d'],
    })
    expect([config.collector.port, config.api.port, config.dataDir, config.dedup.window]).toEqual([
      5,
      6,
      join(folder, 'there'),
      2 * 86_400_000,
    ])
  })

  it('merges projects of the file with those of the environment', async () => {
    const sha256 = 'a'.repeat(64)
    const { config } = await load(
      { config: file({ projects: { shop: { origins: ['https://shop.example'] } } }) },
      { MILLRACE_PROJECTS: JSON.stringify({ blog: { keys: [{ id: 'k', scope: 'write', sha256 }] } }) },
    )
    expect(config.projects).toEqual({
      shop: { keys: [], origins: ['https://shop.example'] },
      blog: { keys: [{ id: 'k', scope: 'write', sha256 }] },
    })
  })
})

describe('the file', () => {
  it.each([
    ['.ts', 'const port: number = 4321\nexport default { collector: { port } }'],
    ['.js', 'export default () => Promise.resolve({ collector: { port: 4321 } })'],
    ['.json', '{"collector":{"port":4321}}'],
  ])('may be %s', async (extension, content) => {
    const { config } = await load({ config: file(content, extension) })
    expect(config.collector.port).toBe(4321)
  })

  it('is found in the working directory, TypeScript first', async () => {
    const cwd = mkdtempSync(join(folder, 'cwd-'))
    writeFileSync(join(cwd, 'millrace.config.json'), '{"query":{"rows":1}}')
    expect((await loadConfig({}, {}, cwd)).config.query.rows).toBe(1)
    writeFileSync(join(cwd, 'millrace.config.ts'), 'export default { query: { rows: 2 } }')
    expect((await loadConfig({}, {}, cwd)).config.query.rows).toBe(2)
  })

  it('gets types from defineConfig of the package', async () => {
    const module = (await import('millrace')) as { defineConfig: <T>(config: T) => T }
    expect(module.defineConfig({ query: { rows: 5 } })).toEqual({ query: { rows: 5 } })
  })

  it.each([
    ['not there', () => '/nowhere/millrace.json', /^no configuration file at \/nowhere\/millrace\.json$/],
    ['not JSON', () => file('{"query":\n{"rows": 5,,}}'), /given-\d+\.json: it is not JSON, at line 2$/],
    ['a list', () => file([]), /expected an object of settings, it holds a list$/],
    ['null', () => file('null'), /expected an object of settings, it holds null$/],
    [
      'without a default export',
      () => file('export const a = 1', '.ts'),
      /no default export; expected `export default/,
    ],
    ['of another kind', () => file('port: 1', '.yaml'), /expected a file that ends in \.ts, \.js or \.json$/],
    ['throwing', () => file('throw new Error("my own check")', '.js'), /my own check$/],
  ])('is refused when it is %s', async (_, make, message) => {
    expect(await refusal({ config: make() })).toMatch(message)
  })

  it('does not repeat what stands around a mistake, which may be a secret', async () => {
    const config = file('{"store":{"url":"http://db","password":"hunter2" "user":"a"}}')
    expect(await refusal({ config })).not.toContain('hunter2')
  })
})

describe('the environment', () => {
  const settings = settingPaths(configSchema).map(({ path }) => path.join('.'))

  it('knows every key of the documentation', () => {
    expect(settings).toEqual(
      expect.arrayContaining([
        'dataDir',
        'basePath',
        'auth',
        'projects',
        'collector.host',
        'collector.port',
        'collector.otlpPort',
        'collector.grpcPort',
        'collector.trustProxy',
        'collector.tls.cert',
        'collector.tls.key',
        'collector.tls.clientCa',
        'api.host',
        'api.port',
        'log.driver',
        'log.retention.hours',
        'log.retention.bytes',
        'log.minFreeBytes',
        'log.partitions',
        'cache.driver',
        'state.driver',
        'store.driver',
        'store.url',
        'store.user',
        'store.database',
        'dedup.window',
        'dedup.maxBytes',
        'query.seconds',
        'query.memory',
        'query.rows',
      ]),
    )
  })

  it('gives each key a name of its own', () => {
    const names = settings.map((key) => environmentName(key.split('.')))
    expect(new Set(names).size).toBe(names.length)
    expect(names).toContain('MILLRACE_LOG_MIN_FREE_BYTES')
    expect(names).toContain('MILLRACE_COLLECTOR_TLS_CLIENT_CA')
  })

  it.each([
    ['MILLRACE_DATA_DIR', '/x/1', { dataDir: '/x/1' }],
    ['MILLRACE_BASE_PATH', '/in', { basePath: '/in' }],
    ['MILLRACE_AUTH', 'keys', { auth: 'keys' }],
    ['MILLRACE_COLLECTOR_HOST', 'localhost', { collector: { host: 'localhost' } }],
    ['MILLRACE_COLLECTOR_PORT', '0', { collector: { port: 0 } }],
    ['MILLRACE_COLLECTOR_OTLP_PORT', 'false', { collector: { otlpPort: false } }],
    ['MILLRACE_COLLECTOR_GRPC_PORT', '4000', { collector: { grpcPort: 4000 } }],
    ['MILLRACE_COLLECTOR_TRUST_PROXY', 'true', { collector: { trustProxy: true } }],
    ['MILLRACE_COLLECTOR_TRUST_PROXY', '2', { collector: { trustProxy: 2 } }],
    ['MILLRACE_COLLECTOR_TRUST_PROXY', '10.0.0.0/8', { collector: { trustProxy: '10.0.0.0/8' } }],
    ['MILLRACE_API_HOST', '::1', { api: { host: '::1' } }],
    ['MILLRACE_API_PORT', '9', { api: { port: 9 } }],
    ['MILLRACE_LOG_DRIVER', 'embedded', { log: { driver: 'embedded' } }],
    ['MILLRACE_LOG_RETENTION_HOURS', '0.5', { log: { driver: 'embedded', retention: { hours: 0.5, bytes: 10e9 } } }],
    ['MILLRACE_LOG_RETENTION_BYTES', '4 GB', { log: { retention: { bytes: 4e9 } } }],
    ['MILLRACE_LOG_MIN_FREE_BYTES', '1048576', { log: { minFreeBytes: 1_048_576 } }],
    ['MILLRACE_LOG_PARTITIONS', '3', { log: { partitions: 3 } }],
    [
      'MILLRACE_LOG_BROKERS',
      'one:9092, two:9093',
      { log: { driver: 'kafka', brokers: ['one:9092', 'two:9093'], topicPrefix: 'millrace.', partitions: 8 } },
    ],
    ['MILLRACE_LOG_BROKERS', '["[::1]:9092"]', { log: { driver: 'kafka', brokers: ['[::1]:9092'], tls: false } }],
    [
      'MILLRACE_STORE_URL',
      'http://db:8123',
      { store: { driver: 'server', url: 'http://db:8123', database: 'millrace' } },
    ],
    [
      'MILLRACE_CACHE_URL',
      'rediss://me:pw@cache:6380/1',
      { cache: { driver: 'redis', url: 'rediss://me:pw@cache:6380/1', prefix: 'millrace:' } },
    ],
    [
      'MILLRACE_STATE_URL',
      'postgres://db/events',
      { state: { driver: 'postgres', url: 'postgres://db/events', table: 'millrace_state' } },
    ],
    ['MILLRACE_DEDUP_WINDOW', '31 d', { dedup: { window: 2_678_400_000 } }],
    ['MILLRACE_DEDUP_WINDOW', '90000', { dedup: { window: 90_000 } }],
    ['MILLRACE_DEDUP_MAX_BYTES', '1GiB', { dedup: { maxBytes: 2 ** 30 } }],
    ['MILLRACE_QUERY_SECONDS', '2.5', { query: { seconds: 2.5 } }],
    ['MILLRACE_QUERY_MEMORY', '64MB', { query: { memory: 64e6 } }],
    ['MILLRACE_QUERY_ROWS', '10', { query: { rows: 10 } }],
  ])('%s=%s', async (name, value, expected) => {
    expect((await load({}, { [name]: value })).config).toMatchObject(expected)
  })

  it('keeps text that looks like a number as text', async () => {
    const { config } = await load({}, { MILLRACE_STORE_URL: 'http://db', MILLRACE_STORE_PASSWORD: '0123' })
    expect(config.store).toMatchObject({ password: '0123' })
  })

  it('takes an empty variable for one that is not set, and leaves what others read alone', async () => {
    const { config } = await load({}, { MILLRACE_AUTH: '', MILLRACE_URL: 'x', MILLRACE_KEY: 'y', PATH: '/bin' })
    expect(config.auth).toBe('open')
  })

  it('refuses a name that means nothing', async () => {
    expect(await refusal({}, { MILLRACE_COLECTOR_PORT: '1' })).toMatch(
      /unknown environment variable MILLRACE_COLECTOR_PORT.*did you mean MILLRACE_COLLECTOR_PORT\?$/,
    )
    expect(await refusal({}, { MILLRACE_ZZZ: '1' })).not.toContain('did you mean')
    expect(await refusal({}, { MILLRACE_ZZZ: '1' })).toContain('(got "1")')
    expect(await refusal({}, { MILLRACE_STORE_PASWORD: 'hunter2' })).not.toContain('hunter2')
  })
})

describe('a wrong setting', () => {
  it.each([
    [
      { collector: { port: 'x' } },
      /^collector\.port: expected number, received string \(got "x"\) — from file .*json$/,
    ],
    [{ collector: { port: 70_000 } }, /^collector\.port: .*65535 \(got 70000\)/],
    [{ collector: { otlpPort: true } }, /^collector\.otlpPort: expected number or false \(got true\)/],
    [
      { collector: { prot: 1 } },
      /^collector\.prot: unknown key \(got 1\), expected one of host, port, otlpPort, .*; did you mean port\? — from file/,
    ],
    [
      { port: 1 },
      /^port: unknown key \(got 1\), expected one of dataDir, .*; did you mean collector\.port or api\.port or worker\.port\? — from file/,
    ],
    [{ log: { driver: 'kafak' } }, /^log\.driver: expected 'embedded' \| 'kafka' \(got "kafak"\)/],
    [{ store: { driver: 'mysql' } }, /^store\.driver: .*'embedded' \| 'server' \(got "mysql"\)/],
    [{ store: { driver: 'server' } }, /^store\.url: .*\(got nothing\) — from file/],
    [
      { store: { driver: 'embedded', url: 'http://db' } },
      /^store\.url: does not go with the driver that is chosen here \(got "http:\/\/db"\) — from file/,
    ],
    [{ log: { brokers: ['kafka:9092/x'] } }, /^log\.brokers\.0: expected host:port \(got "kafka:9092\/x"\)/],
    [{ log: { driver: 'kafka' } }, /^log\.brokers: .*\(got nothing\)/],
    [
      { log: { brokers: ['k:1'], sasl: { username: 'u', password: 7 } } },
      /^log\.sasl\.password: .*\(got a hidden value\)/,
    ],
    [{ cache: { driver: 'redis' } }, /^cache\.url: .*\(got nothing\)/],
    [{ cache: { url: 'http://:pw@cache' } }, /^cache\.url: expected redis:\/\/host:port .*\(got a hidden value\)/],
    [{ state: { url: 'mysql://db' } }, /^state\.url: expected postgres:\/\/.*\(got "mysql:\/\/db"\)/],
    [{ state: { url: 'postgres://db/x', table: 'a b' } }, /^state\.table: expected up to 50 characters of a-z 0-9 _/],
    [
      { api: { collectorUrl: 'events:8088' } },
      /^api\.collectorUrl: expected an address such as .* \(got "events:8088"\)/,
    ],
    [{ auth: 'none' }, /^auth: expected one of "open"\|"keys" \(got "none"\)/],
    [{ dedup: { window: '31 x' } }, /^dedup\.window: expected a duration such as .* \(got "31 x"\)/],
    [{ dedup: { window: '1 s' } }, /^dedup\.window: expected 1m or more \(got "1 s"\)/],
    [{ query: { memory: 'much' } }, /^query\.memory: expected a size such as .* \(got "much"\)/],
    [{ basePath: 'in/' }, /^basePath: expected a path such as \/events/],
    [{ projects: { Shop: {} } }, /^projects\.Shop: must be 1 to 63 characters/],
    [
      { projects: { shop: { keys: [{ id: 'a', scope: 'wirte', sha256: 'b'.repeat(64) }] } } },
      /^projects\.shop\.keys\.0\.scope: .*\(got "wirte"\) — from file/,
    ],
    [{ dataDir: '' }, /^dataDir: .*\(got ""\)/],
    [{ dataDir: 'x'.repeat(500), log: 5 }, /^log: expected object, received number \(got 5\)/],
  ])('%j', async (content, message) => {
    expect(await refusal({ config: file(content) })).toMatch(message)
  })

  it('is told for each key, one line each', async () => {
    const config = file({ collector: { port: -1 }, query: { rows: 0 }, nonsense: 1 })
    const lines = (await refusal({ config })).split('\n')
    expect(lines.map((line) => line.split(':')[0])).toEqual(['collector.port', 'query.rows', 'nonsense'])
  })

  it('names the source that gave it', async () => {
    expect(await refusal({ port: 'x' })).toMatch(/from flag --port$/)
    expect(await refusal({ apiPort: 'x' })).toMatch(/from flag --api-port$/)
    expect(await refusal({ set: ['query.rows=x'] })).toMatch(/from flag --set$/)
    expect(await refusal({}, { MILLRACE_QUERY_ROWS: 'x' })).toMatch(/from environment MILLRACE_QUERY_ROWS$/)
  })

  it('is refused in --set too', async () => {
    expect(await refusal({ set: ['collector.prot=1'] })).toMatch(
      /--set collector\.prot: .*did you mean collector\.port\?$/,
    )
    expect(await refusal({ set: ['query.rows'] })).toMatch(/--set query\.rows: expected KEY=VALUE/)
    expect(await refusal({ set: ['projects=nix', 'projects.shop.keys=1'] })).toMatch(
      /^projects\.shop\.keys: expected array/,
    )
  })

  it.each([
    [{ projects: { shop: { keys: [{ id: 'a', scope: 'write', sha256: 'mr_write_hunter2' }] } } }],
    [{ projects: { shop: { keys: ['hunter2'] } } }],
    [{ projects: { shop: 'hunter2' } }],
    [{ projects: 'hunter2' }],
    [{ store: { driver: 'server', url: 'http://user:hunter2@[' } }],
    [{ store: { driver: 'server', url: 'http://db', password: { is: 'hunter2' } } }],
    [{ collector: { tls: '-----BEGIN PRIVATE KEY-----hunter2' } }],
    [{ store: { url: 'http://db', pasword: 'hunter2' } }],
    [{ apiToken: 'hunter2' }],
    [{ log: { brokers: ['k:1'], sasl: { username: 'u', password: 'x', paswd: 'hunter2' } } }],
  ])('does not show what may be secret: %j', async (content) => {
    expect(await refusal({ config: file(content) })).not.toContain('hunter2')
  })

  it('changes nothing when it is called __proto__', async () => {
    const config = file('{"__proto__":{"polluted":true},"collector":{"__proto__":{"port":1}}}')
    expect(await refusal({ config })).toContain('__proto__: unknown key')
    expect((await load({ set: ['projects.__proto__.polluted=true'] })).config).toEqual((await load()).config)
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('auth', () => {
  it.each(['127.0.0.1', '127.8.8.8', 'localhost', '::1'])('is open by default on %s', async (host) => {
    expect((await load({ host })).config.auth).toBe('open')
  })

  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.com'])('is keys by default on %s', async (host) => {
    expect((await load({ host })).config.auth).toBe('keys')
    expect((await load({ set: [`api.host=${host}`] })).config.auth).toBe('keys')
  })

  it('refuses to be open where others can reach it', async () => {
    expect(await refusal({ host: '0.0.0.0' }, { MILLRACE_AUTH: 'open' })).toMatch(
      /auth: open .* collector\.host is 0\.0\.0\.0/,
    )
    expect(await refusal({ set: ['api.host=::'] }, { MILLRACE_AUTH: 'open' })).toMatch(/auth: open .* api\.host is ::/)
  })
})

it('refuses one port for both listeners, but not port 0', async () => {
  expect(await refusal({ port: '9000', apiPort: '9000' })).toContain('collector.port and api.port are both 9000')
  expect((await load({ port: '0', apiPort: '0' })).config.api.port).toBe(0)
})
