import { CliError, exitCodes } from './exit.ts'

export interface ClientOptions {
  /** Base address of the API, or of the collector. */
  readonly url: string
  readonly key?: string | undefined
  /** Seconds until a request is given up. */
  readonly timeoutSeconds?: number
  /** How the address is named, for who cannot reach it. */
  readonly namedBy?: string
}

export interface Client {
  readonly url: string
  get(path: string, signal?: AbortSignal): Promise<Response>
  post(path: string, body: unknown, headers?: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<Response>
}

/** Where commands look for the API and the collector when nobody says where they are. */
export const defaultApiUrl = 'http://127.0.0.1:8089'
export const defaultCollectorUrl = 'http://127.0.0.1:8088'

/** Where the API is: `--url`, MILLRACE_URL, or the default address. The key comes from MILLRACE_KEY alone, never from a flag. */
export function apiClient(flags: { readonly url?: string; readonly timeout?: string }): Client {
  return createClient({
    url: flags.url ?? (process.env['MILLRACE_URL'] || defaultApiUrl),
    key: process.env['MILLRACE_KEY'],
    timeoutSeconds: seconds(flags.timeout),
  })
}

function seconds(text = '60'): number {
  const value = Number(text)
  if (text.trim() === '' || !(value > 0 && value <= 86_400))
    throw new CliError(`--timeout ${JSON.stringify(text)}: expected seconds, above 0`, exitCodes.usage)
  return value
}

/** Answers other than 2xx become a CliError with the problem's detail and the exit code that fits. */
export function createClient({
  url,
  key,
  timeoutSeconds = 60,
  namedBy = '--url or MILLRACE_URL',
}: ClientOptions): Client {
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
    throw new CliError(
      `${JSON.stringify(url)} is no address; expected one such as http://127.0.0.1:8089`,
      exitCodes.usage,
    )
  const base = url.replace(/\/+$/, '')
  const auth: Record<string, string> = key ? { authorization: `Bearer ${key}` } : {}
  const send = async (path: string, init: RequestInit, signal?: AbortSignal) => {
    const timeout = AbortSignal.timeout(timeoutSeconds * 1000)
    let response: Response
    try {
      response = await fetch(base + path, {
        ...init,
        signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      })
    } catch (error) {
      throw unreachable(base, error, timeoutSeconds, namedBy)
    }
    if (!response.ok) throw await refused(response)
    return response
  }
  return {
    url: base,
    get: (path, signal) => send(path, { headers: auth }, signal),
    post: (path, body, headers = {}, signal) =>
      send(
        path,
        {
          method: 'POST',
          body: typeof body === 'string' ? body : JSON.stringify(body),
          headers: { 'content-type': 'application/json', ...auth, ...headers },
        },
        signal,
      ),
  }
}

/** What an answer that ended too early means; undefined when the error is about something else. */
export function brokenAnswer(error: unknown): CliError | undefined {
  if (!(error instanceof Error)) return undefined
  if (error.name === 'TimeoutError')
    return new CliError('the answer was not complete in time (--timeout)', exitCodes.timeout, { cause: error })
  if (error.name === 'AbortError') return new CliError('interrupted', exitCodes.interrupted, { cause: error })
  if (!causeCode(error)?.startsWith('UND_ERR')) return undefined
  return new CliError('the connection ended before the answer was complete', exitCodes.unreachable, { cause: error })
}

function unreachable(url: string, error: unknown, timeoutSeconds: number, namedBy: string): CliError {
  const broken = brokenAnswer(error)
  if (broken?.exitCode === exitCodes.timeout)
    return new CliError(`no answer from ${url} within ${timeoutSeconds} s (--timeout)`, exitCodes.timeout)
  if (broken?.exitCode === exitCodes.interrupted) return broken
  return new CliError(
    `cannot reach ${url} (${causeCode(error) ?? String(error)}); is it running? \`npx millrace start\`, or name it with ${namedBy}`,
    exitCodes.unreachable,
    { cause: error },
  )
}

function causeCode(error: unknown): string | undefined {
  return (error as { cause?: { code?: string } }).cause?.code
}

async function refused(response: Response): Promise<CliError> {
  const problem = ((await response.json().catch(() => null)) ?? {}) as {
    code?: string
    detail?: string
    title?: string
  }
  const says = problem.detail ?? problem.title ?? `${response.status} ${response.statusText}`
  // A query that the cage refuses is 403 as well, and no other key would help.
  if (response.status === 401 || (response.status === 403 && problem.code !== 'query_refused'))
    return new CliError(`${says}; the key is taken from MILLRACE_KEY`, exitCodes.auth)
  if (response.status === 404) return new CliError(says, exitCodes.notFound)
  if (response.status === 408 || response.status === 504 || problem.code === 'timeout')
    return new CliError(says, exitCodes.timeout)
  return new CliError(says, exitCodes.failure)
}
