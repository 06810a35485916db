import type { Log, NewRecord, Position } from '../log/log.ts'

const readBytes = 4 << 20

/**
 * After an append whose answer was lost: where its records are, or undefined when they are not there. An append is all or nothing, so
 * one missing record means that all are. Looks from `next` on, the first offsets that it can have got; other collectors' records may
 * lie between.
 */
export async function locateRecords(
  log: Log,
  records: readonly NewRecord[],
  next: ReadonlyMap<string, number>,
  signal: AbortSignal,
): Promise<readonly Position[] | undefined> {
  const positions: (Position | undefined)[] = records.map(() => undefined)
  const groups = new Map<string, number[]>()
  for (let i = 0; i < records.length; i++) {
    const { topic, partition } = records[i] as NewRecord
    const key = `${topic}/${partition}`
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [i])
    else group.push(i)
  }
  for (const [key, numbers] of groups) {
    const found = await locateIn(
      log,
      numbers.map((number) => records[number] as NewRecord),
      next.get(key) ?? 0,
      signal,
    )
    if (found === undefined) return undefined
    for (let i = 0; i < numbers.length; i++) positions[numbers[i] as number] = found[i]
  }
  return positions as Position[]
}

/** `records` are of one partition and lie there in their order. */
async function locateIn(
  log: Log,
  records: readonly NewRecord[],
  from: number,
  signal: AbortSignal,
): Promise<readonly Position[] | undefined> {
  const { topic, partition } = records[0] as NewRecord
  const bounds = (await log.bounds(topic)).find((bound) => bound.partition === partition)
  const end = bounds?.next ?? 0
  const found: Position[] = []
  let offset = Math.max(from, bounds?.first ?? 0)
  while (offset < end && found.length < records.length) {
    const read = await log.read({ topic, partition, offset }, { bytes: readBytes, waitMs: 0 }, signal)
    if (read.length === 0) break
    for (const record of read) {
      offset = record.offset + 1
      const wanted = records[found.length]
      if (wanted !== undefined && Buffer.compare(wanted.value, record.value) === 0)
        found.push({ topic, partition, offset: record.offset })
    }
  }
  return found.length === records.length ? found : undefined
}
