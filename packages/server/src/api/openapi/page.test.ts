import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { DescribedRoute } from '../../http/describe.ts'
import { problemTypes } from '../../http/problem.ts'
import { describeCollector } from '../../sources/describe.ts'
import { openApiDocument } from './document.ts'
import { docsPage, pagePolicy } from './page.ts'

const evil = `<img src=x onerror="alert('1')">`
const route: DescribedRoute = {
  method: 'POST',
  path: '/things/:id',
  describes: {
    group: evil,
    summary: `it's ${evil}`,
    scope: 'read',
    path: z.object({ id: z.string().meta({ examples: [evil] }) }),
    query: z.object({ q: z.string().optional().describe(`\`code\` ${evil}`) }),
    body: { 'application/json': { schema: z.object({ a: z.enum([evil]) }), example: { a: "it's" } } },
    answers: { 200: { description: evil } },
    problems: ['malformed'],
  },
}
const document = openApiDocument({
  version: '1.2.3',
  api: [route],
  collector: { url: 'http://127.0.0.1:8088', routes: describeCollector() },
})
const page = docsPage(document)

describe('/docs', () => {
  it('asks no other server for anything', () => {
    expect(page.match(/<(script|link|img|iframe|style)\b[^>]*>/g)).toEqual([
      '<link rel="icon" href="data:,">',
      '<style>',
      '<script>',
    ])
    expect(page).not.toMatch(/\burl\(|@import|fetch\(|XMLHttpRequest/)
    expect(pagePolicy).toContain("default-src 'none'")
    expect(pagePolicy).not.toContain('unsafe')
  })

  it('writes what a route says as text, never as HTML', () => {
    expect(page).not.toContain('<img')
    expect(page).toContain('&lt;img src=x onerror=&quot;alert(&#39;1&#39;)&quot;&gt;')
  })

  it('has a place for every route, schema and problem that it links to', () => {
    const targets = new Set([...page.matchAll(/\bid="([^"]+)"/g)].map(([, id]) => id))
    const links = [...page.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)
    expect(links.filter((id) => !targets.has(id))).toEqual([])
    for (const { code } of problemTypes) expect(targets).toContain(`problem-${code}`)
    expect(targets).toContain('problems')
    for (const name of Object.keys(document.components.schemas)) expect(targets).toContain(`schema-${name}`)
  })

  it('lists other names of a route with the route', () => {
    for (const path of Object.keys(document.paths)) expect(page).toContain(path)
    expect(page).not.toContain('id="postV1T"')
    expect(page).toContain('id="postV1Track"')
  })

  it('shows each call as curl, quoted for a shell', () => {
    expect(page).toContain(`-d &#39;{&quot;a&quot;:&quot;it&#39;\\&#39;&#39;s&quot;}&#39;`)
    expect(page).toContain(`curl &#39;http://127.0.0.1:8088/v1/events&#39;`)
  })
})
