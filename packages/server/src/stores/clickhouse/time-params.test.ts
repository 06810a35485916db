import { expect, it } from 'vitest'
import { withTimes } from './time-params.ts'

it('makes RFC 3339 what the engine reads, only where the query asks for a time', () => {
  const sql = `SELECT {a:DateTime64(3)}, { b : Nullable(DateTime64(9, 'UTC')) }, {c:Array(DateTime)}, {text:String}, {d:DateTime}, {n:DateTime64(3)}`
  const params = {
    a: '2026-11-21T10:00:00.250Z',
    b: '2026-11-21T12:00:00.123456789+02:00',
    c: ['2026-11-21t10:00:00z', null],
    text: '2026-11-21T10:00:00Z',
    d: '2026-11-21 10:00:00',
    n: 1_795_255_200,
    unused: '2026-11-21T10:00:00Z',
  }
  expect(withTimes(sql, params)).toEqual({
    ...params,
    a: '1795255200.250',
    b: '1795255200.123456789',
    c: ['1795255200', null],
  })
})

it('leaves parameters alone that it does not know, and prototypes too', () => {
  expect(withTimes('SELECT {constructor:DateTime}, {x:DateTime64(3)}', { x: 'yesterday' })).toEqual({ x: 'yesterday' })
})
