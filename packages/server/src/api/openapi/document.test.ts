import { eventJsonSchema } from '@millrace/protocol'
import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../core/clock.ts'
import { silentLogger } from '../../core/deps.ts'
import { collectorConfig } from '../../http/config.ts'
import type { DescribedRoute } from '../../http/describe.ts'
import { problemTypes } from '../../http/problem.ts'
import type { Http, HttpRoute } from '../../http/server.ts'
import { describeCollector } from '../../sources/describe.ts'
import { registerSources } from '../../sources/register.ts'
import { sources } from '../../sources/sources.ts'
import { createSchemaCheck } from '../../testing/openapi-check.ts'
import { mountHot } from '../routes/hot.ts'
import { mountAsk } from '../routes/ask.ts'
import { mountSql } from '../routes/sql.ts'
import { mountStatus } from '../routes/status.ts'
import { openApiDocument } from './document.ts'

/** What is mounted, without a listener: mounting asks nothing of the parts that answer later. */
function mounted(mount: (http: Http) => void): readonly HttpRoute[] {
  const routes: HttpRoute[] = []
  const http = { route: (route: HttpRoute) => routes.push(route), routes: () => routes, isOpen: () => true }
  mount(http as unknown as Http)
  return routes
}

const parts = {} as never
const api = mounted((http) => {
  mountAsk(http, parts)
  mountSql(http, parts)
  mountStatus(http, parts)
  mountHot(http, parts)
}).map(({ method, path, describes }) => ({ method, path, describes }) as DescribedRoute)
const url = 'http://127.0.0.1:8088'
const document = openApiDocument({ version: '1.2.3', api, collector: { url, routes: describeCollector('/in') } })
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
)
const names = operations.map(({ path, method }) => `${method.toUpperCase()} ${path}`)

function everything(value: unknown, visit: (object: Readonly<Record<string, unknown>>) => void): void {
  if (typeof value !== 'object' || value === null) return
  if (!Array.isArray(value)) visit(value as Readonly<Record<string, unknown>>)
  for (const inner of Object.values(value)) everything(inner, visit)
}

describe('the OpenAPI document', () => {
  it('has every route that is described, and each operation once', () => {
    const wanted = [...api, ...describeCollector('/in')].map(
      ({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`,
    )
    expect(names.toSorted()).toEqual([...new Set(wanted)].toSorted())
    expect(new Set(operations.map(({ operation }) => operation.operationId)).size).toBe(operations.length)
  })

  it('has of the collector just what a collector mounts', () => {
    const routes = mounted((http) =>
      registerSources(http, {
        sources,
        accept: () => Promise.resolve([]),
        authenticate: () => ({ project: 'default', scope: 'admin', keyId: '' }),
        basePath: '/in',
        deps: { clock: systemClock, logger: silentLogger, metrics: new Registry() },
      }),
    )
    expect(collectorConfig.parse({}).port).toBe(8088)
    const isProbe = (path: string) => /^(\/in)?\/(health\/\w+|metrics)$/.test(path)
    const order = (all: readonly Pick<DescribedRoute, 'method' | 'path' | 'describes'>[]) =>
      all
        .map(({ method, path, describes }) => ({ name: `${method} ${path}`, takes: Object.keys(describes.body ?? {}) }))
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    const told = describeCollector('/in').filter(({ path }) => !isProbe(path))
    expect(order(told)).toEqual(order(routes as readonly DescribedRoute[]))
  })

  it('has no reference, tag or security scheme that is not there', () => {
    const { schemas, securitySchemes } = document.components
    everything(document, ({ $ref }) => {
      if (typeof $ref === 'string') expect(schemas).toHaveProperty([$ref.replace('#/components/schemas/', '')])
    })
    const tags = document.tags.map(({ name }) => name)
    for (const { operation } of operations) {
      for (const tag of operation.tags) expect(tags).toContain(tag)
      for (const scheme of operation.security.flatMap((each) => Object.keys(each)))
        expect(securitySchemes).toHaveProperty(scheme)
      const usual = operation['x-millrace-same-as']
      if (usual !== undefined) expect(document.paths).toHaveProperty([usual])
    }
  })

  it('declares the parameters of every path, and says what each answer means', () => {
    for (const { path, operation } of operations) {
      const inPath = (operation.parameters ?? []).filter((parameter) => parameter.in === 'path')
      expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? [])
      for (const parameter of inPath) expect(parameter.required).toBe(true)
      expect(Object.keys(operation.responses).length).toBeGreaterThan(0)
      for (const [status, answer] of Object.entries(operation.responses)) {
        expect(status).toMatch(/^[1-5]\d\d$/)
        expect(answer.description).not.toBe('')
      }
    }
  })

  it('has only examples that its own schemas take', () => {
    const check = createSchemaCheck(document)
    let checked = 0
    const contents = operations.flatMap(({ path, operation }) =>
      [operation.requestBody, ...Object.values(operation.responses)].flatMap((holder) =>
        Object.entries(holder?.content ?? {}).map(([type, content]) => ({ path, type, ...content })),
      ),
    )
    for (const { path, type, schema, example } of contents) {
      if (schema === undefined || example === undefined) continue
      expect([path, type, check(schema, example)]).toEqual([path, type, []])
      checked++
    }
    expect(checked).toBeGreaterThan(100)
    const sqlAnswer = document.components.schemas['SqlAnswer'] ?? {}
    expect(check(sqlAnswer, { columns: [], rows: [{}] })).not.toEqual([])
  })

  it('names for each refusal codes of its status', () => {
    for (const { operation } of operations)
      for (const [status, answer] of Object.entries(operation.responses))
        for (const code of answer['x-millrace-problems'] ?? [])
          expect(problemTypes.find((type) => type.code === code)?.status).toBe(Number(status))
  })

  it('sends clients to the collector with events and to the API with questions; probes are at both', () => {
    const servers = (name: string, method: string) =>
      document.paths[name]?.[method]?.servers?.map((server) => server.url)
    expect(servers('/in/v1/events', 'post')).toEqual([url])
    expect(servers('/api/v1/ledger', 'get')).toBeUndefined()
    const twice = openApiDocument({
      version: '1',
      api: describeCollector().filter(({ method }) => method === 'GET'),
      collector: { url, routes: describeCollector() },
    })
    expect(twice.paths['/health/live']?.['get']?.servers?.map((server) => server.url)).toEqual([url, '/'])
  })

  it('describes a sent event by the protocol’s own schema, without its type also', () => {
    const own = eventJsonSchema() as { properties: object; required: string[] }
    const event = document.components.schemas['Event'] as unknown as typeof own
    expect(Object.keys(event.properties)).toEqual(Object.keys(own.properties))
    expect(event.required).toEqual(own.required.filter((name) => name !== 'event_type'))
    expect(event).not.toHaveProperty('$id')
  })

  it('refuses two meanings of one name', () => {
    const route = (path: string, schema: z.ZodType): DescribedRoute => ({
      method: 'GET',
      path,
      describes: {
        group: 'g',
        summary: 's',
        answers: { 200: { description: 'd', content: { 'application/json': { schema } } } },
      },
    })
    const routes = [route('/a', z.string().meta({ id: 'SameTest' }))]
    const other = [route('/b', z.object({ it: z.json() }).meta({ id: 'Health' }))]
    const make = (more: DescribedRoute[]) =>
      openApiDocument({ version: '1', api: [...routes, ...more], collector: { url, routes: describeCollector() } })
    expect(() => make([])).not.toThrow()
    expect(() => make(other)).toThrow(/Health/)
  })
})
