import { type HttpAnswer, jsonType } from '../../http/answer.ts'
import type { DescribedRoute, RouteDescription } from '../../http/describe.ts'
import type { Http } from '../../http/server.ts'
import { openApiDocument } from './document.ts'
import { docsPage, pagePolicy } from './page.ts'

export interface OpenApiParts {
  readonly version: string
  /** Where events are sent; asked anew until it is known. */
  readonly collector: { url(): string | undefined; readonly routes: readonly DescribedRoute[] }
}

const document: RouteDescription = {
  group: 'Operation',
  summary: 'These routes as OpenAPI 3.1',
  answers: { 200: { description: 'The document.', content: { 'application/json': {} } } },
}

const page: RouteDescription = {
  group: 'Operation',
  summary: 'These routes as a page',
  answers: { 200: { description: 'The page.', content: { 'text/html': {} } } },
}

/** What stands in the document while no collector is known. */
const usualCollector = 'http://127.0.0.1:8088'

/** `/openapi.json` and `/docs`, made of all that is mounted on `http`, when somebody asks. Neither needs a key: they hold no data. */
export function mountOpenApi(http: Http, { version, collector }: OpenApiParts): void {
  let made: { readonly url: string; readonly json: string; readonly page: string } | undefined
  const current = () => {
    const url = collector.url() ?? usualCollector
    if (made?.url !== url) {
      const whole = openApiDocument({
        version,
        api: describedRoutes(http),
        collector: { url, routes: collector.routes },
      })
      made = { url, json: JSON.stringify(whole), page: docsPage(whole) }
    }
    return made
  }
  const get = (path: string, describes: RouteDescription, answer: () => HttpAnswer) =>
    http.route({ method: 'GET', path, dialect: 'api', describes, respond: () => Promise.resolve(answer()) })
  get('/openapi.json', document, () => ({
    status: 200,
    type: jsonType,
    headers: { 'cache-control': 'no-cache' },
    body: current().json,
  }))
  get('/docs', page, () => ({
    status: 200,
    type: 'text/html; charset=utf-8',
    headers: {
      'cache-control': 'no-cache',
      'content-security-policy': pagePolicy,
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    },
    body: current().page,
  }))
}

function describedRoutes(http: Http): readonly DescribedRoute[] {
  return http
    .routes()
    .flatMap(({ method, path, describes }) => (describes === 'hidden' ? [] : [{ method, path, describes }]))
}
