import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** In two parts: it is looked for where it may be installed, and is no dependency of ours. */
const packageName = ['posthog', 'js'].join('-')

/** Where the package's built scripts are, when the operator has installed it beside this one or in the working directory. */
function findScripts(): string | undefined {
  for (const from of [import.meta.url, join(process.cwd(), 'package.json')]) {
    try {
      return dirname(createRequire(from).resolve(`${packageName}/dist/array.js`))
    } catch {
      // Not there.
    }
  }
  return undefined
}

/**
 * A script that posthog-js loads by its name: the recorder, web vitals, and for the snippet the library itself. They are PostHog's, and
 * come from the package `posthog-js` where one is installed. Where none is, or it has no such script, an empty one is answered: the
 * library then goes on without what it wanted, and the page's console stays clean.
 */
export async function readPosthogScript(name: string): Promise<Buffer> {
  const folder = findScripts()
  if (folder === undefined || !/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.js$/.test(name)) return missing(folder)
  try {
    return await readFile(join(folder, name))
  } catch {
    return missing(folder)
  }
}

function missing(folder: string | undefined): Buffer {
  return Buffer.from(
    folder === undefined
      ? `/* not here: install ${packageName} beside Millrace, or bundle this script with the page */\n`
      : `/* the installed ${packageName} has no such script */\n`,
  )
}
