import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { connect } from 'node:net'

/** A real server in a process of its own, that tests stop, kill and start again. */
export interface ServiceProcess {
  pid(): number
  start(): Promise<void>
  /** As a crash; `start` brings it back with its data. */
  kill9(): Promise<void>
  signal(signal: NodeJS.Signals): void
  stop(): Promise<void>
}

export interface ServiceCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  readonly user?: { readonly uid: number; readonly gid: number }
  /** How it is told to end in good order. */
  readonly stopSignal?: NodeJS.Signals
  readonly isReady: () => Promise<boolean>
}

export function serviceProcess(service: ServiceCommand): ServiceProcess {
  let child: ChildProcess | undefined
  let gone: Promise<void> = Promise.resolve()
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    child?.kill(signal)
    await gone
  }
  return {
    pid: () => child?.pid ?? 0,
    async start() {
      let output = ''
      let hasEnded = false
      const started = spawn(service.command, service.args, {
        cwd: service.cwd,
        stdio: ['ignore', 'pipe', 'pipe'],
        ...service.user,
      })
      child = started
      const note = (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-4000)
      }
      started.stdout.on('data', note)
      started.stderr.on('data', note)
      gone = new Promise((resolve) => {
        started.once('error', (error) => {
          output += String(error)
          hasEnded = true
          resolve()
        })
        started.once('exit', () => {
          hasEnded = true
          resolve()
        })
      })
      while (!(await service.isReady())) {
        if (hasEnded) throw new Error(`${service.command} ended:\n${output}`)
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    kill9: () => end('SIGKILL'),
    signal: (signal) => void child?.kill(signal),
    stop: () => end(service.stopSignal ?? 'SIGTERM'),
  }
}

/** Is there a program of this name on PATH? */
export function hasCommand(command: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${command}`]).status === 0
}

/** Connects, says `hello`, and resolves with the first bytes of the answer; '' when there is none within a second. */
export function firstAnswer(port: number, hello: Uint8Array | string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(hello))
    const finish = (answer: string) => {
      socket.destroy()
      resolve(answer)
    }
    socket.setTimeout(1000, () => finish(''))
    socket.once('data', (chunk) => finish(chunk.toString('latin1')))
    socket.once('error', () => finish(''))
    socket.once('close', () => finish(''))
  })
}
