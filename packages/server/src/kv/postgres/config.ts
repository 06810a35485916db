import { z } from 'zod'

export const postgresStateConfig = z.strictObject({
  driver: z.literal('postgres'),
  /** `postgres://user:password@host:port/database`, with `?sslmode=verify-full&sslrootcert=/ca.pem` for TLS. */
  url: z.string().regex(/^postgres(ql)?:\/\/[^\s]+$/, 'expected postgres://user:password@host:5432/database'),
  /** Made at the first start; several Millraces in one database take one each. */
  table: z
    .string()
    .regex(/^[a-z_][a-z0-9_]{0,49}$/, 'expected up to 50 characters of a-z 0-9 _')
    .default('millrace_state'),
})
export type PostgresStateConfig = z.output<typeof postgresStateConfig>
