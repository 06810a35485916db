import { describe, expect, it } from 'vitest'
import { decodeFetched } from './records.ts'

type Partition = Parameters<typeof decodeFetched>[0]
const transactional = 1 << 4
const control = 1 << 5

interface Given {
  readonly at: number
  readonly producer: bigint
  readonly values?: readonly string[]
  readonly marker?: 'abort' | 'commit'
  readonly plain?: boolean
}

function partition(batches: readonly Given[], aborted: readonly (readonly [bigint, number])[] = []): Partition {
  return {
    abortedTransactions: aborted.map(([producerId, first]) => ({ producerId, firstOffset: BigInt(first) })),
    records: batches.map(({ at, producer, values = [], marker, plain }) => ({
      firstOffset: BigInt(at),
      lastOffsetDelta: marker === undefined ? values.length - 1 : 0,
      producerId: producer,
      attributes: (plain === true ? 0 : transactional) | (marker === undefined ? 0 : control),
      records:
        marker === undefined
          ? values.map((value, offsetDelta) => ({ offsetDelta, value: Buffer.from(value), headers: [] }))
          : [
              {
                offsetDelta: 0,
                key: Buffer.from([0, 0, 0, marker === 'commit' ? 1 : 0]),
                value: Buffer.alloc(6),
                headers: [],
              },
            ],
    })),
  } as unknown as Partition
}
const values = (given: Partition, from = 0) =>
  decodeFetched(given, from).records.map(({ value }) => Buffer.from(value).toString())

describe('what a broker sends', () => {
  it('is given out without markers, and read on behind them', () => {
    const given = partition([
      { at: 3, producer: 1n, values: ['a', 'b'] },
      { at: 5, producer: 1n, marker: 'commit' },
    ])
    expect(decodeFetched(given, 3)).toMatchObject({ records: [{ offset: 3 }, { offset: 4 }], next: 6 })
  })

  it('leaves out what came before the offset asked for: batches come whole', () => {
    expect(values(partition([{ at: 3, producer: 1n, values: ['a', 'b', 'c'] }]), 4)).toEqual(['b', 'c'])
  })

  it('leaves out what was aborted, and nothing else of the same producer or of others between', () => {
    const given = partition(
      [
        { at: 0, producer: 1n, values: ['kept'] },
        { at: 1, producer: 1n, marker: 'commit' },
        { at: 2, producer: 1n, values: ['gone'] },
        { at: 3, producer: 2n, values: ['other'] },
        { at: 4, producer: 1n, values: ['gone too'] },
        { at: 5, producer: 1n, marker: 'abort' },
        { at: 6, producer: 2n, marker: 'commit' },
        { at: 7, producer: 1n, values: ['later'] },
        { at: 8, producer: 1n, marker: 'commit' },
        { at: 9, producer: 1n, values: ['gone again'] },
        { at: 10, producer: -1n, plain: true, values: ['plain'] },
      ],
      [
        [1n, 9],
        [1n, 2],
      ],
    )
    expect(values(given)).toEqual(['kept', 'other', 'later', 'plain'])
    expect(decodeFetched(given, 0).next).toBe(11)
  })

  it('may begin in the middle of an aborted transaction', () => {
    const given = partition(
      [
        { at: 12, producer: 1n, values: ['gone'] },
        { at: 13, producer: 1n, marker: 'abort' },
      ],
      [[1n, 4]],
    )
    expect(decodeFetched(given, 12)).toEqual({ records: [], next: 14 })
  })

  it('may be nothing', () => {
    expect(decodeFetched(partition([]), 7)).toEqual({ records: [], next: 7 })
  })
})
