/** True when the promise settles within the time; false when the time, or the caller's patience (`signal`), is over first. */
export function resolvedWithin(promise: Promise<void>, ms: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false)
    const finish = (isSettled: boolean) => {
      clearTimeout(timer)
      signal.removeEventListener('abort', giveUp)
      resolve(isSettled)
    }
    const giveUp = () => finish(false)
    const settled = () => finish(true)
    const timer = setTimeout(giveUp, ms)
    signal.addEventListener('abort', giveUp, { once: true })
    promise.then(settled, settled)
  })
}
