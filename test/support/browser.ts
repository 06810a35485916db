import { execFileSync } from 'node:child_process'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { build } from 'esbuild'
import { type Browser, chromium, type Page } from 'playwright-core'
import { hasCommand } from './service-process.ts'

const root = join(import.meta.dirname, '../..')
const commands = ['chromium', 'chromium-browser', 'google-chrome'] as const

/** Why no browser can be started here; undefined when one can. */
export function browserMissing(): string | undefined {
  return commands.some((command) => hasCommand(command))
    ? undefined
    : 'chromium is not installed: apt-get install chromium'
}

/** A page of a site under test, with everything that it complained of. */
export interface TestPage {
  readonly page: Page
  /** `console.error` and `console.warn` texts, uncaught errors, and requests that failed, in their order. */
  readonly complaints: string[]
}

export interface TestBrowser {
  readonly browser: Browser
  /** A page in a context of its own: no cookies or storage of another one. */
  open(url: string): Promise<TestPage>
  close(): Promise<void>
}

/** Headless Chromium, started; end it with `close`. */
export async function launchBrowser(): Promise<TestBrowser> {
  const executablePath = commands.find((command) => hasCommand(command))
  if (executablePath === undefined) throw new Error(browserMissing())
  const browser = await chromium.launch({ executablePath: pathOf(executablePath) })
  return {
    browser,
    async open(url) {
      const context = await browser.newContext()
      const page = await context.newPage()
      const complaints: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error' || message.type() === 'warning')
          complaints.push(`${message.type()}: ${message.text()}`)
      })
      page.on('pageerror', (error) => complaints.push(`uncaught: ${error.message}`))
      page.on('requestfailed', (request) => {
        complaints.push(`failed: ${request.method()} ${request.url()} ${request.failure()?.errorText ?? ''}`)
      })
      await page.goto(url)
      return { page, complaints }
    },
    close: () => browser.close(),
  }
}

/** What a path of a site answers: a text with its media type, or a function that answers itself. */
export type SiteFile =
  | { readonly type: string; readonly body: string | Uint8Array }
  | ((request: IncomingMessage, response: ServerResponse) => void)

export interface Site {
  /** `http://127.0.0.1:port` */
  readonly url: string
  close(): Promise<void>
}

/** A web site on a free port of 127.0.0.1; what it does not have is 404, and `/favicon.ico` is empty. */
export async function serveSite(files: Readonly<Record<string, SiteFile>>): Promise<Site> {
  const server = createServer((request, response) => {
    const path = (request.url ?? '/').split('?', 1)[0] as string
    const file = Object.hasOwn(files, path) ? files[path] : undefined
    if (typeof file === 'function') file(request, response)
    else if (file !== undefined) response.setHeader('content-type', file.type).end(file.body)
    else response.writeHead(path === '/favicon.ico' ? 204 : 404).end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** An HTML page; `script` is the body of its one script, run before what follows it. */
export function htmlPage(script: string, body = ''): SiteFile {
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Test page</title><script>${script.replaceAll('</script', '<\\/script')}</script></head><body>${body}</body></html>`
  return { type: 'text/html; charset=utf-8', body: html }
}

/** A browser script that holds the packages which `code` (TypeScript, ES modules) imports, as this checkout has them. */
export async function bundleScript(code: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: root, loader: 'ts' },
    bundle: true,
    write: false,
    format: 'iife',
    platform: 'browser',
    target: 'es2022',
    logLevel: 'silent',
  })
  return outputFiles[0]?.text ?? ''
}

function pathOf(command: string): string {
  return execFileSync('sh', ['-c', `command -v ${command}`])
    .toString()
    .trim()
}
