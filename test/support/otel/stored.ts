import { expect } from 'vitest'
import { ask } from '../instance.ts'

/** What is in the tables of one service's spans and log records: their numbers, and how often each came. */
async function numbersOf(api: string, service: string): Promise<Record<'spans' | 'logs', readonly number[]>> {
  const rows = await ask<{ event_type: string; number: string }>(
    api,
    `SELECT event_type, attributes.order.number::String AS number FROM events
     WHERE service_name = {service:String} AND event_type IN ('trace', 'log') ORDER BY toInt64(number)`,
    { service },
  )
  const of = (type: string) => rows.filter((row) => row.event_type === type).map(({ number }) => Number(number))
  return { spans: of('trace'), logs: of('log') }
}

/** The counter's data points by time: how many there are, how many times there are, and the last value. */
async function counterOf(api: string, service: string): Promise<{ points: number; times: number; value: number }> {
  const [row] = await ask<{ points: string; times: string; value: number }>(
    api,
    `SELECT count() AS points, uniqExact(timestamp_ns) AS times, max(metric_value) AS value FROM events
     WHERE service_name = {service:String} AND metric_name = 'orders'`,
    { service },
  )
  return { points: Number(row!.points), times: Number(row!.times), value: row!.value }
}

/** Everything that an application of `count` orders sent is there once. */
export async function expectAllOnce(api: string, service: string, count: number): Promise<void> {
  const all = Array.from({ length: count }, (_, at) => at)
  expect(await numbersOf(api, service), service).toEqual({ spans: all, logs: all })
  const counter = await counterOf(api, service)
  expect(counter, service).toMatchObject({ value: count })
  expect(counter.points, service).toBe(counter.times)
}
