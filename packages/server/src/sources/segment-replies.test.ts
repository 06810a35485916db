import { afterEach, describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import type { Authenticate } from '../core/principal.ts'
import { type CollectorSettings, type RunningCollector, startCollector } from '../testing/collector.ts'
import { openRaw } from '../testing/raw-http.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

async function open(settings: CollectorSettings = {}): Promise<RunningCollector> {
  const collector = await startCollector(settings)
  cleanups.push(collector.stop)
  return collector
}

interface Settings {
  readonly integrations: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly metrics: { readonly sampleRate: number }
}

const path = '/v1/projects/my-key/settings'

describe('the settings of analytics-next', () => {
  it('send its events to the host that was asked, with its protocol and key, and ask for nothing more', async () => {
    const { url, batches } = await open()
    const answer = await fetch(url + path, { headers: { origin: 'https://shop.example' } })
    expect(answer.status).toBe(200)
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://shop.example')
    expect(answer.headers.get('cache-control')).toBe('private, max-age=60')
    const settings = (await answer.json()) as Settings
    // One integration: with more, the library would load the code of destinations.
    expect(Object.keys(settings.integrations)).toEqual(['Segment.io'])
    const segment = settings.integrations['Segment.io']!
    expect(segment).toMatchObject({ apiKey: 'my-key', protocol: 'http', addBundledMetadata: false })
    expect(segment['apiHost']).toBe(`${new URL(url).host}/v1`)
    expect(settings.metrics.sampleRate).toBe(0)
    const sent = await fetch(`${String(segment['protocol'])}://${String(segment['apiHost'])}/t`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      body: '{"event":"x","writeKey":"my-key"}',
    })
    expect([sent.status, batches.length]).toEqual([200, 1])
  })

  it('are under the base path, and lead back there', async () => {
    const { url } = await open({ basePath: '/events' })
    const answer = await fetch(`${url}/events${path}`)
    const { integrations } = (await answer.json()) as Settings
    expect(integrations['Segment.io']!['apiHost']).toBe(`${new URL(url).host}/events/v1`)
    expect((await fetch(url + path)).status).toBe(404)
  })

  it('go by what a proxy says only where it is trusted', async () => {
    const forwarded = { 'x-forwarded-host': 'events.shop.example', 'x-forwarded-proto': 'https' }
    const ask = async (settings: CollectorSettings) => {
      const { url } = await open(settings)
      const { integrations } = (await (await fetch(url + path, { headers: forwarded })).json()) as Settings
      const { apiHost, protocol } = integrations['Segment.io']!
      return [protocol, String(apiHost).replace(new URL(url).host, 'own')]
    }
    expect(await ask({})).toEqual(['http', 'own/v1'])
    expect(await ask({ trustProxy: true })).toEqual(['https', 'events.shop.example/v1'])
  })

  it('are refused to a host that no address can hold', async () => {
    const { url } = await open()
    const { port } = new URL(url)
    const asked = async (host: string) => {
      const raw = await openRaw(url)
      raw.write(`GET ${path} HTTP/1.1\r\nhost: ${host}\r\n\r\n`)
      const answer = await raw.response()
      raw.destroy()
      return answer
    }
    for (const host of [`localhost:${port}`, `[::1]:${port}`, `my-host.example`, `127.0.0.1:${port}`]) {
      expect((await asked(host)).body).toContain(`"apiHost":"${host}/v1"`)
    }
    for (const host of [
      'evil.example/x',
      'a b',
      'user@evil.example',
      '"><script>',
      `x:${'9'.repeat(6)}`,
      'x'.repeat(300),
    ]) {
      const { status, body } = await asked(host)
      expect(status).toBe(400)
      expect(body).not.toContain('apiHost')
    }
  })

  it('are refused to a key that may not send, and to origins that its project does not list', async () => {
    const authenticate: Authenticate = ({ key, origin, scope }) => {
      if (key !== 'my-key' || scope !== 'write') throw new PipelineError('unauthorized', 'this key is not known')
      if (origin === 'https://evil.example') throw new PipelineError('forbidden', 'not from this origin')
      return { project: 'p', scope: 'write', keyId: 'k' }
    }
    const { url } = await open({ authenticate })
    const status = async (at: string, origin = 'https://shop.example') =>
      (await fetch(url + at, { headers: { origin } })).status
    expect(await status(path)).toBe(200)
    expect(await status('/v1/projects/other/settings')).toBe(401)
    expect(await status(path, 'https://evil.example')).toBe(403)
  })
})

it('takes what analytics-next counts of itself, and keeps none of it', async () => {
  const { url, batches } = await open()
  const answer = await fetch(`${url}/v1/m`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: '{"series":[{"type":"Counter","metric":"analytics_js.invoke","value":1,"tags":{}}]}',
  })
  expect([answer.status, await answer.json(), batches.length]).toEqual([200, { success: true }, 0])
})

it('says where analytics.js is, instead of serving it', async () => {
  const { url } = await open()
  const answer = await fetch(`${url}/analytics.js/v1/my-key/analytics.min.js`)
  expect(answer.status).toBe(404)
  expect(await answer.json()).toMatchObject({ code: 'not_found', detail: expect.stringContaining('standalone.js') })
})
