import { type ChildProcess, spawn } from 'node:child_process'
import { writePid } from './lock.ts'

/** stdout is the ready line's alone: what children say goes to stderr. The IPC channel ends them with us. */
export function spawnNode(args: readonly string[], output: 2 | 'pipe' = 2): ChildProcess {
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', output, output, 'ipc'],
    detached: true, // a terminal's Ctrl-C is for us, who then end our children in order
  })
  child.on('error', () => {}) // seen as its end
  return child
}

/** The pid is written so that the next start can be sure that nothing of an earlier one is left. */
export function noted(dataDir: string, role: string, child: ChildProcess): ChildProcess {
  if (child.pid !== undefined) writePid(dataDir, role, child.pid)
  return child
}
