import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  browserMissing,
  bundleScript,
  htmlPage,
  launchBrowser,
  serveSite,
  type TestBrowser,
} from '../../support/browser.ts'
import { ask, createInstance, eventually, freePort, type Instance } from '../../support/instance.ts'
import { count, send, settled } from '../../support/pipeline.ts'

/**
 * What pages send with web-vitals 6, @rrweb/record 2 and the browser's own resource timing, from another origin than the collector's:
 * `sendBeacon` of a text, or a `fetch` that tries again. The page's own record of what it sent is what the tables are held against.
 */
let instance: Instance
let collector: string
let api: string
let browser: TestBrowser

beforeAll(async () => {
  if (browserMissing() !== undefined) return
  // A port of its own: pages must find the collector again after it was killed.
  instance = createInstance({ ports: { collector: await freePort(), api: 0 } })
  ;({ collector, api } = await instance.start())
  browser = await launchBrowser()
})
afterAll(async () => {
  await browser?.close()
  await instance?.dispose()
})

const pixel = {
  type: 'image/gif',
  body: Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64'),
}
const body = `<h1 id="title">Pricing</h1><img src="/pixel.gif" width="300" height="200"><button id="buy">Buy</button><input id="name">
<ul id="list"></ul><script>setTimeout(() => { const bar = document.createElement('div'); bar.style.height = '150px'; document.body.prepend(bar) }, 100)
document.getElementById('buy').addEventListener('click', () => { for (const until = performance.now() + 50; performance.now() < until; ); document.getElementById('list').append(document.createElement('li')) })</script>`

/** The page with this script, and an empty one of the same site, where what the first page left behind can be read. */
async function site(script: string) {
  return serveSite({
    '/pricing': htmlPage(await bundleScript(script), body),
    '/after': htmlPage('', '<p>left</p>'),
    '/pixel.gif': pixel,
    '/api/prices': { type: 'application/json', body: '{"basic":0}' },
  })
}

/** Kept by the tab: what is sent while a page is left can only be told by the next one. */
const noted = `const note = (entry) => sessionStorage.setItem('sent', JSON.stringify([...JSON.parse(sessionStorage.getItem('sent') ?? '[]'), entry]))`
const readNotes = `JSON.parse(sessionStorage.getItem('sent') ?? '[]')`

describe.skipIf(browserMissing() !== undefined)('a page in Chromium', () => {
  it('sends its web vitals with sendBeacon, the last ones as it is left: each is there once, under its columns', async () => {
    const shop = await site(`
      import { onCLS, onFCP, onINP, onLCP, onTTFB } from 'web-vitals/attribution'
      ${noted}
      const send = (metric) => {
        const { name, value, delta, rating, id } = metric
        const text = JSON.stringify({ vitals: [metric], pageUrl: location.href, sessionId: 'vitals-1', userId: 'ada' })
        note({ name, value, delta, rating, id, isQueued: navigator.sendBeacon('${collector}/v1/vitals?writeKey=any', text) })
      }
      for (const on of [onCLS, onFCP, onINP, onLCP, onTTFB]) on(send)`)
    try {
      const { page, complaints } = await browser.open(`${shop.url}/pricing?utm_source=news`)
      await page.waitForTimeout(300)
      for (let clicks = 0; clicks < 2; clicks++) {
        await page.click('#buy')
        await page.waitForTimeout(200)
      }
      await page.goto(`${shop.url}/after`)
      interface Sent {
        readonly name: string
        readonly value: number
        readonly delta: number
        readonly rating: string
        readonly id: string
        readonly isQueued: boolean
      }
      const sent = await page.evaluate<Sent[]>(readNotes)
      await page.context().close()
      expect(new Set(sent.map(({ name }) => name))).toEqual(new Set(['TTFB', 'FCP', 'LCP', 'INP', 'CLS']))
      expect(sent.every(({ isQueued }) => isQueued)).toBe(true)
      expect(complaints).toEqual([])
      await expectCount(sent.length, `session_id = 'vitals-1'`)
      const rows = await ask(
        api,
        `SELECT id, event_type, event_source, event_name AS name, vital_value AS value, vital_delta AS delta, vital_rating AS rating, span_id,
                duration_ms, vital_element AS element, nav_type, http_path, campaign_source, actor_id, http_user_agent LIKE '%Chrome%' AS has_agent
         FROM events WHERE session_id = 'vitals-1'`,
      )
      const byId = new Map(rows.map((row) => [row['id'], row]))
      expect(byId.size).toBe(sent.length)
      for (const { name, value, delta, rating, id } of sent) {
        expect(byId.get(`vital_${id}_${value}`)).toMatchObject({
          event_type: 'vital',
          event_source: 'web_vitals',
          name,
          value,
          delta,
          rating,
          span_id: id,
          duration_ms: name === 'CLS' ? null : value,
          nav_type: 'navigate',
          http_path: '/pricing',
          campaign_source: 'news',
          actor_id: 'ada',
          has_agent: 1,
        })
      }
      const elements = Object.fromEntries(rows.map(({ name, element }) => [name, element]))
      expect(elements).toMatchObject({ INP: '#buy', TTFB: '', FCP: '' })
      expect(elements['LCP']).not.toBe('')
      expect(elements['CLS']).not.toBe('')
    } finally {
      await shop.close()
    }
  })

  it('sends its resource timing with sendBeacon: each entry is there once, with the phases of the network', async () => {
    const shop = await site(`
      ${noted}
      addEventListener('load', async () => {
        await (await fetch('/api/prices')).text()
        await new Promise((resolve) => setTimeout(resolve, 50))
        const entries = performance.getEntriesByType('resource').map((entry, at) => ({ ...entry.toJSON(), requestId: 'r-' + at }))
        const text = JSON.stringify({ entries, timeOrigin: performance.timeOrigin, pageUrl: location.href, sessionId: 'snippet-1' })
        note({ entries, isQueued: navigator.sendBeacon('${collector}/v1/snippet?writeKey=any', text) })
      })`)
    try {
      const { page, complaints } = await browser.open(`${shop.url}/pricing`)
      await page.waitForFunction(`sessionStorage.getItem('sent') !== null`)
      type Entry = Readonly<Record<'name' | 'requestId', string>> &
        Readonly<
          Record<'startTime' | 'duration' | 'requestStart' | 'responseStart' | 'responseEnd' | 'transferSize', number>
        >
      const [{ entries, isQueued }] = await page.evaluate<[{ entries: Entry[]; isQueued: boolean }]>(readNotes)
      await page.context().close()
      expect({ isQueued, complaints }).toEqual({ isQueued: true, complaints: [] })
      expect(entries.map(({ name }) => new URL(name).pathname)).toEqual(
        expect.arrayContaining(['/pixel.gif', '/api/prices']),
      )
      await expectCount(entries.length, `session_id = 'snippet-1'`)
      const rows = await ask(
        api,
        `SELECT event_type, event_source, event_name, http_url, snippet_request_id, trace_id, snippet_start_time, duration_ms, snippet_ttfb,
                snippet_download_time, snippet_transfer_size, snippet_cache_state, http_status, data.page_url::String AS page
         FROM events WHERE session_id = 'snippet-1'`,
      )
      const byRequest = new Map(rows.map((row) => [row['snippet_request_id'], row]))
      for (const entry of entries) {
        expect(byRequest.get(entry.requestId)).toMatchObject({
          event_type: 'snippet',
          event_source: 'snippet',
          http_url: entry.name,
          trace_id: 'snippet-1',
          snippet_start_time: entry.startTime,
          duration_ms: entry.duration,
          snippet_ttfb: entry.responseStart - entry.requestStart,
          snippet_download_time: entry.responseEnd - entry.responseStart,
          snippet_transfer_size: entry.transferSize,
          snippet_cache_state: entry.transferSize === 0 ? 'local' : 'network',
          page: `${shop.url}/pricing`,
        })
      }
      expect(rows.map(({ event_name }) => event_name)).toEqual(expect.arrayContaining(['img.request', 'fetch.request']))
    } finally {
      await shop.close()
    }
  })

  it('records itself through a kill -9 of the collector; the recording comes back whole and @rrweb/replay plays it to its end', async () => {
    const shop = await site(`
      import { record } from '@rrweb/record'
      const all = []
      const unsent = []
      let sequence = 0
      let stop
      let last = Promise.resolve()
      const tries = []
      // As the guide has it: a chunk is sent until it is answered with 200, and the next one after it.
      const deliver = async (chunk) => {
        for (let pause = 50; ; pause = Math.min(pause * 2, 1000)) {
          const answer = await fetch('${collector}/v1/replay?writeKey=any', { method: 'POST', body: chunk }).catch(() => undefined)
          tries.push(answer?.status ?? 0)
          if (answer?.ok) return
          await new Promise((resolve) => setTimeout(resolve, pause))
        }
      }
      const flush = () => {
        if (unsent.length === 0) return last
        const chunk = JSON.stringify({ sessionId: 'replay-1', sequence: sequence++, pageUrl: location.href, startedAt: all[0].timestamp, events: unsent.splice(0) })
        return (last = last.then(() => deliver(chunk)))
      }
      addEventListener('DOMContentLoaded', () => {
        stop = record({ emit(event) { all.push(event); unsent.push(event); if (unsent.length >= 5) void flush() }, sampling: { mousemove: 20 } })
      })
      Object.assign(globalThis, { async taken() {
        // Something must be left for the beacon, however many events there were.
        if (unsent.length === 0) record.addCustomEvent('leaving', {})
        stop()
        const [whole, rest] = [[...all], unsent.splice(0)] // a throttled event may still come
        await last
        // What is left goes as the page would send it while it is left: an array as text, all else in the query.
        const about = new URLSearchParams({ writeKey: 'any', sessionId: 'replay-1', sequence: String(sequence), startedAt: String(all[0].timestamp), pageUrl: location.href })
        const isQueued = navigator.sendBeacon('${collector}/v1/replay?' + about, JSON.stringify(rest))
        return { all: whole, tries, chunks: sequence, isQueued, left: rest.length }
      } })`)
    try {
      const { page, complaints } = await browser.open(`${shop.url}/pricing`)
      for (let turn = 0; turn < 12; turn++) {
        await page.mouse.move(40 + turn * 20, 60 + turn * 5)
        await page.click('#buy')
        await page.fill('#name', 'x'.repeat(turn))
        if (turn === 5) instance.kill9('collector')
        await page.waitForTimeout(30)
      }
      interface Taken {
        readonly all: readonly { readonly type: number; readonly timestamp: number }[]
        readonly tries: readonly number[]
        readonly chunks: number
        readonly isQueued: boolean
        readonly left: number
      }
      await page.fill('#name', 'last')
      const { all, tries, chunks, isQueued, left } = await page.evaluate<Taken>('taken()')
      expect({ isQueued, hasLeft: left > 0 }).toEqual({ isQueued: true, hasLeft: true })
      expect(tries.filter((status) => status === 200).length).toBe(chunks)
      // Chromium itself says of a collector that is away that the connection was refused; nothing else may be wrong.
      expect(complaints.filter((line) => !/ERR_CONNECTION|ERR_EMPTY_RESPONSE|ERR_SOCKET|503/.test(line))).toEqual([])
      await expectCount(all.length, `session_id = 'replay-1'`)

      const rows = await ask<{ replay_data: string; order: string }>(
        api,
        `SELECT replay_data, event_type, event_source, replay_type, replay_source, trace_id, replay_timestamp_offset AS offset
         FROM events WHERE session_id = 'replay-1' ORDER BY replay_sequence, timestamp`,
      )
      expect(rows.map((row) => JSON.parse(row.replay_data) as unknown)).toEqual(all)
      expect(rows.slice(0, 2)).toMatchObject([
        { event_type: 'replay', event_source: 'rrweb', replay_type: 'Meta', trace_id: 'replay-1', offset: 0 },
        { replay_type: 'FullSnapshot', replay_source: '' },
      ])
      const kinds = await ask(
        api,
        `SELECT DISTINCT event_name FROM events WHERE session_id = 'replay-1' AND replay_type = 'IncrementalSnapshot' ORDER BY 1`,
      )
      expect(kinds.map(({ event_name }) => event_name)).toEqual(
        expect.arrayContaining([
          'IncrementalSnapshot.Input',
          'IncrementalSnapshot.MouseInteraction',
          'IncrementalSnapshot.Mutation',
        ]),
      )
      await page.context().close()

      const shown = await play(rows.map((row) => row.replay_data))
      expect(shown).toEqual({ items: 12, name: 'last', events: all.length })
    } finally {
      await shop.close()
    }
  })
})

/** Plays the events in a page of its own; what it shows at the end. */
async function play(events: readonly string[]): Promise<unknown> {
  const player = await serveSite({
    '/': htmlPage(
      await bundleScript(`
        import { Replayer } from '@rrweb/replay'
        addEventListener('DOMContentLoaded', async () => {
          const events = await (await fetch('/events')).json()
          let casts = 0
          const player = new Replayer(events, { root: document.body, speed: 8, mouseTail: false })
          player.on('event-cast', () => { casts++ })
          player.on('finish', () => {
            const inside = player.iframe.contentDocument
            globalThis.shown = { items: inside.querySelectorAll('#list li').length, name: inside.querySelector('#name').value, events: casts }
          })
          player.play()
        })`),
    ),
    '/events': { type: 'application/json', body: `[${events.join(',')}]` },
  })
  try {
    const { page } = await browser.open(player.url)
    await page.waitForFunction('globalThis.shown', undefined, { timeout: 20_000 })
    const shown: unknown = await page.evaluate('shown')
    await page.context().close()
    return shown
  } finally {
    await player.close()
  }
}

describe.skipIf(browserMissing() !== undefined)('a session of 50 MB in chunks of 5 MB', () => {
  it('is stored whole, and single events of others are acknowledged all the while', async () => {
    const node = (id: number, size: number) => ({ type: 3, textContent: 'text of a long page '.repeat(size), id })
    /** In turn one full snapshot of a page as large as a chunk may be, and thousands of small changes. */
    const chunk = (sequence: number) => {
      const at = Date.now()
      const nodes = Array.from({ length: 5000 }, (_, id) => node(id, sequence % 2 === 0 ? 49 : 43))
      const events =
        sequence % 2 === 0
          ? [{ type: 2, timestamp: at, data: { node: { type: 0, id: 1, childNodes: nodes } } }]
          : nodes.map((added, id) => {
              const adds = [{ parentId: 1, nextId: null, node: added }]
              return { type: 3, timestamp: at + id, data: { source: 0, adds, removes: [], texts: [], attributes: [] } }
            })
      return {
        text: JSON.stringify({ sessionId: 'replay-50', sequence, startedAt: at, events }),
        events: events.length,
      }
    }
    let isOver = false
    let during = 0
    const singles = (async () => {
      for (let at = 0; !isOver || at < 20; at++) {
        const isDuring = !isOver
        const answer = await send(
          `${collector}/v1/track`,
          JSON.stringify({ event: 'Beside A Recording', userId: 'u', messageId: `beside-${at}` }),
        )
        expect(answer).toMatchObject({ stored: 1 })
        if (isDuring && !isOver) during++
      }
    })()
    let events = 0
    let bytes = 0
    let answers = 0
    for (let sequence = 0; sequence < 10; sequence++) {
      const { text, events: more } = chunk(sequence)
      const answer = await send(`${collector}/v1/replay?writeKey=any`, text, { 'content-type': 'text/plain' })
      expect(text.length).toBeGreaterThan(5e6)
      expect(answer).toMatchObject({ stored: more, quarantined: 0 })
      answers++
      events += more
      bytes += text.length
    }
    isOver = true
    await singles
    expect(answers).toBe(10)
    expect(bytes).toBeGreaterThan(50e6)
    // None waited for the end of the stream: they went on coming in between its chunks.
    expect(during).toBeGreaterThan(10)
    await expectCount(events, `session_id = 'replay-50'`)
    const [row] = await ask(
      api,
      `SELECT countIf(length(replay_data) > 5000000) AS snapshots, uniqExact(replay_sequence) AS places, countIf(isValidJSON(replay_data)) AS valid
       FROM events WHERE session_id = 'replay-50'`,
    )
    expect(row).toEqual({ snapshots: '5', places: String(events), valid: String(events) })
  })
})

describe.skipIf(browserMissing() !== undefined)('a sender that tries again', () => {
  const testdata = join(import.meta.dirname, '../../../packages/server/src/decoders/testdata')
  // As captured in Chromium; times of today, or they would be too old.
  const captured = (file: string, session: string) => {
    const moved = Date.now() - 3_600_000 - 1_767_225_600_000
    return readFileSync(join(testdata, file), 'utf8')
      .replaceAll('session-1', session)
      .replaceAll('v6-1767225600000', `v6-${session}`)
      .replace(/\b17672256\d{5}(?=\.\d|[,}])/g, (time) => String(Number(time) + moved))
  }

  it.each([
    ['vitals', 'web_vitals/vitals.attribution.in.json', 5],
    ['replay', 'rrweb/replay.chunk.in.json', 14],
    ['snippet', 'snippet/snippet.page.in.json', 7],
  ])('does not count /v1/%s twice that was stored before the collector was killed', async (route, file, events) => {
    const session = `again-${route}`
    const text = captured(file, session)
    const type = { 'content-type': 'text/plain' }
    const url = `${collector}/v1/${route}?writeKey=any`
    expect(await send(url, text, type)).toMatchObject({ stored: events })
    instance.kill9('collector')
    const answer = await eventually(() => send(url, text, type).catch(() => undefined))
    expect(answer).toMatchObject({ stored: 0, duplicate: events })
    await expectCount(events, `session_id = '${session}'`)
  })
})

/** Beacons have no answer to wait for, so the tables are asked until they have them; then nothing may be there twice. */
async function expectCount(expected: number, where: string): Promise<void> {
  const until = Date.now() + 20_000
  while ((await count(api, where)) < expected && Date.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 50))
  await settled(api)
  expect(await count(api, where)).toBe(expected)
  expect(await count(api, 'true', 'quarantine')).toBe(0)
}
