/**
 * Rejects when the answer takes longer. Not for a pause of this process: then the time is over before anybody has looked at what came
 * meanwhile, so that is looked at first.
 */
export function inTime<T>(answer: Promise<T>, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const expire = () => reject(new Error(`timed out after ${ms} ms`))
    const timer = setTimeout(() => setImmediate(expire), ms)
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
