import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { loadConfig } from '../packages/server/src/app/config.ts'
import { askSettings } from '../packages/server/src/stores/clickhouse/engine/users-xml.ts'
import { askGrants, filteredTables } from '../packages/server/src/stores/schema/access.ts'

interface Service {
  readonly image: string
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, unknown>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly volumes?: readonly string[]
  readonly healthcheck?: unknown
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

const file = (name: string) => readFileSync(join(import.meta.dirname, '../deploy', name), 'utf8')
const { services, volumes } = parse(file('compose.yaml'), { merge: true }) as Compose
const ours = Object.entries(services).filter(([, { image }]) => image.startsWith('millrace:'))
const example = Object.fromEntries(
  file('.env.example')
    .split('\n')
    .filter((line) => /^\w+=/.test(line))
    .map((line) => line.split('=', 2) as [string, string]),
)

/** As Compose fills in `${NAME:?}`. */
function filled(environment: Readonly<Record<string, unknown>> = {}): Record<string, string> {
  const fill = (text: string) =>
    text.replaceAll(/\$\{(\w+):\?\}/g, (_, name: string) => {
      if (example[name] === undefined) throw new Error(`${name} is not in .env.example`)
      return example[name]
    })
  return Object.fromEntries(Object.entries(environment).map(([name, value]) => [name, fill(String(value))]))
}

describe('deploy/compose.yaml', () => {
  it('plays every role, collectors twice and each with a data directory of its own', () => {
    expect(ours.map(([, { command }]) => String(command?.[0])).toSorted()).toEqual([
      'api',
      'collector',
      'collector',
      'worker',
    ])
    const directories = ours.flatMap(([, service]) => service.volumes ?? [])
    expect(new Set(directories).size).toBe(2)
    expect(directories.every((volume) => volume.endsWith(':/var/lib/millrace'))).toBe(true)
  })

  it.each(ours)(
    'configures %s as loadConfig takes it: Kafka, Redis, PostgreSQL, ClickHouse, keys',
    async (_, service) => {
      const { config } = await loadConfig({}, filled(service.environment), tmpdir())
      expect(config).toMatchObject({
        auth: 'keys',
        dataDir: '/var/lib/millrace',
        collector: { host: '0.0.0.0' },
        log: { driver: 'kafka', brokers: ['kafka:9092'] },
        cache: { driver: 'redis', url: 'redis://redis:6379' },
        state: {
          driver: 'postgres',
          url: expect.stringMatching(/^postgres:\/\/millrace:\w+@postgres:5432\/millrace$/),
        },
        store: {
          driver: 'server',
          url: 'http://clickhouse:8123',
          user: 'millrace',
          asking: { default: { user: 'ask_default' } },
        },
      })
    },
  )

  it('waits for servers that it has and that say when they are well, with images pinned by tag', () => {
    for (const [, { depends_on = {} }] of ours)
      expect(Object.keys(depends_on).toSorted()).toEqual(['clickhouse', 'kafka', 'postgres', 'redis'])
    for (const name of ['clickhouse', 'kafka', 'postgres', 'redis']) expect(services[name]?.healthcheck).toBeDefined()
    for (const { image } of Object.values(services)) expect(image).toMatch(/:\d+[\w.-]*$/)
    const named = Object.values(services).flatMap((service) => service.volumes ?? [])
    for (const volume of named.filter((each) => !each.startsWith('.')))
      expect(volumes).toHaveProperty([volume.split(':')[0]!])
  })

  it('has no password of its own', () => {
    expect(file('compose.yaml')).not.toMatch(/password["']?:\s*["']?(?!\$\{)\w/i)
  })
})

describe('deploy/clickhouse/users.xml', () => {
  const xml = file('clickhouse/users.xml')
  it('gives who asks the settings, rights and row filters of the cage', () => {
    for (const [name, value] of Object.entries(
      askSettings({ ask: { seconds: 10, memoryBytes: 512e6, rows: 100_000 } }),
    ))
      expect(xml).toContain(`<${name}>${value}</${name}>`)
    const grants = [...xml.matchAll(/<query>(GRANT SELECT[^<]* ON millrace\.[^<]*)<\/query>/g)].map(
      ([, grant]) => grant,
    )
    expect(grants).toEqual(askGrants('millrace'))
    for (const table of filteredTables)
      expect(xml).toContain(`<${table}><filter>project = &apos;default&apos;</filter></${table}>`)
  })
})
