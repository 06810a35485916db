import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { bin } from './instance.ts'

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly bytes: Buffer
}

export interface CliOptions {
  readonly stdin?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Sent once stdout or stderr holds this text. */
  readonly interrupt?: { readonly at: string; readonly signal: NodeJS.Signals }
}

/** `millrace <args>` as its own process, with pipes for stdin, stdout and stderr. */
export function cli(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  const child = spawn(process.execPath, [bin, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { ...process.env, NO_COLOR: '1', ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
    timeout: 60_000, // one that hangs is ended, and fails its test by its exit code
    killSignal: 'SIGKILL',
  })
  const out: Buffer[] = []
  let stderr = ''
  let told = options.interrupt === undefined
  const watch = () => {
    if (told || !(stderr + Buffer.concat(out).toString()).includes(options.interrupt!.at)) return
    told = true
    child.kill(options.interrupt!.signal)
  }
  child.stdout.on('data', (chunk: Buffer) => {
    out.push(chunk)
    watch()
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
    watch()
  })
  child.stdin.on('error', () => {}) // it may end without reading
  child.stdin.end(options.stdin ?? '')
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      const bytes = Buffer.concat(out)
      resolve({ code, stdout: bytes.toString('utf8'), stderr, bytes })
    })
  })
}
