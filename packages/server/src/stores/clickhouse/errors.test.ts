import { ClickHouseError } from '@clickhouse/client'
import { describe, expect, it } from 'vitest'
import { insertError } from './errors.ts'

const never = new AbortController().signal
const answered = (code: number, type = 'SOME_ERROR') =>
  insertError(
    new ClickHouseError({ message: `Code: ${code}. DB::Exception: it failed`, code: String(code), type }),
    never,
  )

describe('what a failed insert means', () => {
  it.each([
    [241, 'limit_exceeded', 'later', 'a block for which memory is short may pass in smaller ones'],
    [117, 'malformed', 'never', 'a block that cannot be read never can'],
    [252, 'unavailable', 'later', 'too many parts: nothing was begun'],
    [516, 'unavailable', 'later', 'the engine came back with other passwords'],
    [243, 'unknown_result', 'later', 'a full disk may have stopped it after some of its parts'],
    [394, 'unknown_result', 'later', 'it was ended while it ran'],
    [999_999, 'unknown_result', 'later', 'an error that nobody knew'],
  ])('%i is %s, retry %s: %s', (code, meaning, retry) => {
    expect(answered(code)).toMatchObject({ code: meaning, retry })
  })

  it('is unavailable when nothing was sent, and unknown when the connection broke', () => {
    const refused = Object.assign(new Error('no'), { code: 'ECONNREFUSED' })
    expect(insertError(refused, never)).toMatchObject({ code: 'unavailable', retry: 'later' })
    const reset = Object.assign(new Error('no'), { code: 'ECONNRESET' })
    expect(insertError(reset, never)).toMatchObject({ code: 'unknown_result', retry: 'later' })
    expect(insertError(new Error('aborted'), AbortSignal.abort())).toMatchObject({ code: 'unknown_result' })
  })
})
