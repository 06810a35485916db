import { createHash } from 'node:crypto'
import { problemTypes, problemUrn } from '../../http/problem.ts'
import { curlOf } from './curl.ts'
import type { OpenApi, OpenContents, Operation, Parameter } from './document.ts'
import { Html, html, prose } from './html.ts'
import { pageScript, pageStyle, usualApi } from './page-style.ts'
import { membersOf, typeOf } from './schema-view.ts'

interface Entry {
  readonly method: string
  readonly path: string
  readonly operation: Operation
  /** Other names of it. */
  readonly alsoAt: readonly string[]
}

/** /docs: the document for people. Whole without its script, and asks no other server for anything. */
export function docsPage(document: OpenApi): string {
  const entries = entriesOf(document)
  const groups = document.tags
    .map(({ name }) => ({ name, entries: entries.filter(({ operation }) => operation.tags[0] === name) }))
    .filter((group) => group.entries.length > 0)
  return html`${new Html('<!doctype html>')}
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Millrace ${document.info.version}: HTTP routes</title>
<link rel="icon" href="data:,">
<style>${new Html(pageStyle)}</style>
</head>
<body>
<div class="all">
<nav>
<h1>Millrace</h1>
<p>${document.info.version} · <a href="openapi.json">openapi.json</a></p>
<input type="search" placeholder="Filter" aria-label="Filter the routes">
${groups.map((group) => html`<div data-group><h2>${group.name}</h2><ul>${group.entries.map(navigation)}</ul></div>`)}
<div><h2>More</h2><ul><li><a href="#problems">Problems</a></li><li><a href="#schemas">Schemas</a></li></ul></div>
</nav>
<main>
<section><h2>Millrace’s HTTP routes</h2><p>${prose(document.info.description)}</p>
<p>With <code>auth: open</code> on this machine no key is needed. With <code>auth: keys</code>, <code>npx millrace keys create</code> makes one: send it as <code>Authorization: Bearer &lt;key&gt;</code>.</p></section>
${groups.map(
  (group) =>
    html`<section data-group><h2>${group.name}</h2>${group.entries.map((entry) => article(document, entry))}</section>`,
)}
${problems()}
<section id="schemas"><h2>Schemas</h2>${Object.entries(document.components.schemas).map(
    ([name, schema]) =>
      html`<details id="schema-${name}"><summary><code>${name}</code></summary>${membersOf(schema)}</details>`,
  )}</section>
</main>
</div>
<script>${new Html(pageScript)}</script>
</body>
</html>
`.text
}

/** The page may run its own script and style, ask nobody, and stand in no frame. */
export const pagePolicy = [
  "default-src 'none'",
  `script-src '${sha256(pageScript)}'`,
  `style-src '${sha256(pageStyle)}'`,
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

function sha256(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

function entriesOf(document: OpenApi): readonly Entry[] {
  const all = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  )
  return all
    .filter(({ operation }) => operation['x-millrace-same-as'] === undefined)
    .map((entry) => ({
      ...entry,
      alsoAt: all
        .filter(({ method, operation }) => method === entry.method && operation['x-millrace-same-as'] === entry.path)
        .map(({ path }) => path),
    }))
}

function navigation({ method, path, operation }: Entry): Html {
  return html`<li data-words="${words(method, path, operation)}"><a href="#${operation.operationId}">${badge(method)}<span>${path}</span></a></li>`
}

function words(method: string, path: string, { summary, tags }: Operation): string {
  return `${method} ${path} ${summary} ${tags.join(' ')}`.toLowerCase()
}

function badge(method: string): Html {
  const name = method.toUpperCase()
  return html`<span class="method ${name}">${name}</span>`
}

function article(document: OpenApi, { method, path, operation, alsoAt }: Entry): Html {
  const { summary, description, servers, parameters = [], requestBody, responses } = operation
  const base = (servers ?? document.servers)[0]!
  const scope = operation['x-millrace-scope']
  return html`<article id="${operation.operationId}" data-words="${words(method, path, operation)}">
<h3>${badge(method)}<code>${path}</code></h3>
<p>${prose(summary)}. ${description !== undefined && prose(description)}</p>
<p class="notes">${scope === undefined ? 'No key needed.' : `Key: ${scope === 'admin' ? 'admin' : `${scope} or admin`}.`} On ${(servers ?? document.servers).map((server, at) => [at > 0 && ' and ', server.description])}.${alsoAt.length > 0 && [' Also at ', alsoAt.map((other, at) => [at > 0 && ', ', html`<code>${other}</code>`]), '.']}</p>
${shown(curlOf(method, path, operation, base.url === '/' ? usualApi : base.url))}
${parameters.length > 0 && html`<h4>Parameters</h4>${parameterTable(parameters)}`}
${requestBody !== undefined && html`<h4>Body</h4>${contents(requestBody.content)}`}
<h4>Answers</h4>
${Object.entries(responses)
  .filter(([, answer]) => answer['x-millrace-problems'] === undefined || ownContent(answer.content))
  .map(
    ([status, answer]) =>
      html`<p><span class="status ${Number(status) >= 400 && 'bad'}">${status}</span> ${prose(answer.description)}</p>${contents(withoutProblem(answer.content ?? {}))}`,
  )}
<p class="notes">Refusals: ${refusals(operation)}</p>
</article>`
}

/** Beside the bare problem. */
function ownContent(content: OpenContents = {}): boolean {
  return Object.values(content).some(({ schema }) => schema !== undefined && schema['$ref'] !== problemReference)
}

function withoutProblem(content: OpenContents): OpenContents {
  return Object.fromEntries(Object.entries(content).filter(([, { schema }]) => schema?.['$ref'] !== problemReference))
}

const problemReference = '#/components/schemas/Problem'

function refusals({ responses }: Operation): Html {
  const codes = Object.entries(responses).flatMap(([status, answer]) =>
    (answer['x-millrace-problems'] ?? []).map((code) => ({ status, code })),
  )
  return html`${codes.map(({ status, code }, at) => [at > 0 && ' · ', html`${status} <a href="#problem-${code}">${code}</a>`])}`
}

function parameterTable(parameters: readonly Parameter[]): Html {
  return html`<table><thead><tr><th>name</th><th>type</th><th></th></tr></thead><tbody>${parameters.map(
    ({ name, in: place, required, description, schema, example }) => {
      const { default: usual } = schema as { readonly default?: unknown }
      return html`<tr><td><code>${name}</code> <span class="notes">${place}</span>${required && html` <span class="req">required</span>`}</td><td>${typeOf(schema)}</td><td>${description !== undefined && prose(description)}${usual !== undefined && usual !== '' && html`${description !== undefined && '; '}default <code>${JSON.stringify(usual)}</code>`}${example !== undefined && html` E.g. <code>${example}</code>`}</td></tr>`
    },
  )}</tbody></table>`
}

/** Media types of one form stand together. */
function contents(content: OpenContents): Html {
  const forms = new Map<string, { types: string[]; content: OpenContents[string] }>()
  for (const [type, one] of Object.entries(content)) {
    const key = one.schema !== undefined ? JSON.stringify(one.schema) : one.example !== undefined ? type : ''
    const form = forms.get(key)
    if (form === undefined) forms.set(key, { types: [type], content: one })
    else form.types.push(type)
  }
  return html`${[...forms.values()].map(
    ({ types, content: { schema, example } }) =>
      html`<p class="notes">${types.map((type, at) => [at > 0 && ', ', html`<code>${type}</code>`])}${schema !== undefined && [': ', typeOf(schema)]}</p>${example !== undefined && html`<details><summary>example</summary>${shown(typeof example === 'string' ? example : JSON.stringify(example, undefined, 2))}</details>`}${schema?.['properties'] !== undefined && html`<details><summary>members</summary>${membersOf(schema)}</details>`}`,
  )}`
}

function shown(text: string): Html {
  return html`<div class="shown"><pre>${text}</pre></div>`
}

function problems(): Html {
  return html`<section id="problems"><h2>Problems</h2>
<p>A refused request is answered with <code>application/problem+json</code>: <code>type</code> is <code>urn:millrace:problem:&lt;code&gt;</code>, <code>code</code> its last part, <code>detail</code> says what is wrong and what to do, <code>instance</code> names the request in the server’s log.</p>
<table><thead><tr><th>code</th><th>status</th><th>meaning</th></tr></thead><tbody>${problemTypes.map(
    ({ code, status, title, meaning }) =>
      html`<tr id="problem-${code}"><td><code>${code}</code></td><td>${status}</td><td><b>${title}</b><br>${prose(meaning)}<br><span class="notes">${problemUrn(code)}</span></td></tr>`,
  )}</tbody></table></section>`
}
