/** True when the promise resolves within the time; false when not; rejects when the signal aborts first. */
export function resolvedWithin(promise: Promise<void>, ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const finish = (settle: () => void) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      settle()
    }
    const timer = setTimeout(() => finish(() => resolve(false)), ms)
    const onAbort = () => finish(() => reject(signal.reason as Error))
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(
      () => finish(() => resolve(true)),
      () => finish(() => resolve(true)),
    )
  })
}
