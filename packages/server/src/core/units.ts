import { z } from 'zod'

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }
const byteUnits: Readonly<Record<string, number>> = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
}

/** `31 d`, `10s`, `1.5 h`, or milliseconds as a number → milliseconds. */
export const duration = z
  .union([z.number().nonnegative(), z.string()])
  .transform((value, cx) => amount(value, durationUnits, (unit) => unit, 'a duration such as 10s, 5 m, 12h or 31d', cx))

/** `10 GB`, `512MB`, `1 GiB`, or bytes as a number → bytes. */
export const byteSize = z
  .union([z.number().nonnegative(), z.string()])
  .transform((value, cx) =>
    amount(value, byteUnits, (unit) => unit.toUpperCase(), 'a size such as 512 MB or 10 GB', cx),
  )

function amount(
  value: number | string,
  units: Readonly<Record<string, number>>,
  normalise: (unit: string) => string,
  expected: string,
  cx: { addIssue(message: string): void },
): number {
  if (typeof value === 'number') return value
  const match = /^\s*(\d+(?:\.\d+)?)\s*([A-Za-z]*)\s*$/.exec(value)
  const unit = match?.[2] ? units[normalise(match[2])] : 1
  if (match === null || unit === undefined) {
    cx.addIssue(`expected ${expected}`)
    return z.NEVER
  }
  const result = Math.round(Number(match[1]) * unit)
  if (Number.isSafeInteger(result)) return result
  cx.addIssue(`expected ${expected}, and less`)
  return z.NEVER
}

/** `1.5 GB`, for people. */
export function showBytes(bytes: number): string {
  const unit = bytes >= 1e9 ? 'GB' : bytes >= 1e6 ? 'MB' : bytes >= 1e3 ? 'KB' : 'B'
  return `${Number((bytes / byteUnits[unit]!).toPrecision(3))} ${unit}`
}

/** `1.5 s`, `3 min`, for people. */
export function showDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${Number((ms / 1000).toPrecision(3))} s`
  if (ms < 3_600_000) return `${Number((ms / 60_000).toPrecision(3))} min`
  return ms < 86_400_000
    ? `${Number((ms / 3_600_000).toPrecision(3))} h`
    : `${Number((ms / 86_400_000).toPrecision(3))} d`
}
