import type { Service } from './service.ts'

/** Several parts as one: started in order, stopped in reverse; when one cannot start, those before it are stopped again. */
export function startInOrder(parts: readonly Service[]): Service {
  const started: Service[] = []
  /** One that cannot stop does not keep the others: they may hold what must be flushed. The first error is told at the end. */
  const stop = async () => {
    const errors: unknown[] = []
    for (let part = started.pop(); part !== undefined; part = started.pop())
      await part.stop().catch((error: unknown) => errors.push(error))
    if (errors.length > 0) throw errors[0]
  }
  return {
    async start(signal) {
      try {
        for (const part of parts) {
          signal.throwIfAborted()
          started.push(part)
          await part.start(signal)
        }
      } catch (error) {
        await stop().catch(() => {}) // the first error is the one that tells
        throw error
      }
    },
    stop,
  }
}
