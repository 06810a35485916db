import { join } from 'node:path'

const extension = import.meta.filename.endsWith('.ts') ? '.ts' : '.js'

/** Path of a module that runs in a process or thread of its own, by its path below src: works unbuilt (`.ts`) and built (`dist/*.js`). */
export function entryPoint(module: string): string {
  return join(import.meta.dirname, '..', module + extension)
}
