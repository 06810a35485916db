import * as fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { PipelineError } from '../core/errors.ts'
import { decodeCloudEvents } from '../decoders/cloudevents.ts'
import { startCollector } from '../testing/collector.ts'
import { asCloudEvents } from './routes/cloudevents.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const required = { 'ce-specversion': '1.0', 'ce-id': '1', 'ce-source': '/s', 'ce-type': 't' }

describe('a request to /v1/events', () => {
  it.each([
    [{ 'content-type': 'application/cloudevents+json' }, true],
    [{ 'content-type': 'Application/CloudEvents-Batch+JSON; charset=utf-8' }, true],
    [{ 'content-type': 'application/cloudevents+json', 'ce-id': '1' }, true],
    [{ 'content-type': 'image/png', ...required }, true],
    [{ 'ce-type': 't' }, true],
    [{ 'content-type': 'application/json' }, false],
    [{ 'content-type': 'application/json', 'ce-other': 'x' }, false],
    [{}, false],
  ])('with the head %j is a CloudEvent: %s', (headers, is) => {
    expect(asCloudEvents(headers) !== undefined).toBe(is)
  })

  it('takes data of any content type in binary mode, and of none', async () => {
    const collector = await startCollector()
    cleanups.push(collector.stop)
    const types = ['image/png', 'text/plain; charset=utf-8', 'application/x-anything', 'application/xml', undefined]
    for (const [index, type] of types.entries()) {
      const response = await fetch(`${collector.url}/v1/events`, {
        method: 'POST',
        headers: { ...required, 'ce-id': String(index), ...(type !== undefined && { 'content-type': type }) },
        body: new Uint8Array([0x61, 0x62]),
      })
      expect([type, response.status]).toEqual([type, 200])
    }
    const data = collector.batches.map(({ source, events }) => [source, events[0]?.columns.data])
    expect(data).toEqual(
      types.map((type) => ['cloudevents', type?.startsWith('text/') ? { data: 'ab' } : { data_base64: 'YWI=' }]),
    )
  })
})

describe('binary mode', () => {
  const header = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('%', '%zz', '%C3%BC', '%ED%A0%80', '"a\\"b"', '"'),
  )
  const name = fc.oneof(
    fc.constantFrom('id', 'source', 'type', 'time', 'specversion', 'data', '__proto__'),
    fc.stringMatching(/^[a-z0-9]{1,8}$/),
  )
  const type = fc.constantFrom('application/json', 'text/plain', 'image/png', 'application/x+json', '')

  it('gives one event of whatever headers and bytes, and throws nothing but a PipelineError', () => {
    fc.assert(
      fc.property(
        fc.dictionary(name, header),
        fc.uint8Array({ maxLength: 40 }),
        type,
        (attributes, body, contentType) => {
          const headers = Object.fromEntries(Object.entries(attributes).map(([key, value]) => [`ce-${key}`, value]))
          try {
            const { events } = decodeCloudEvents(body, {
              headers: { 'ce-id': '1', ...headers },
              kind: 'events',
              contentType,
            })
            expect(events.length).toBe(1)
            for (const issue of events[0]?.issues ?? []) expect(issue).toMatch(/^(\/[^:]*)?: /)
            for (const value of Object.values(events[0]!.columns)) {
              if (typeof value === 'string') expect(value.isWellFormed()).toBe(true)
            }
          } catch (error) {
            expect(error).toBeInstanceOf(PipelineError)
          }
        },
      ),
      { numRuns: 500 },
    )
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})
