import { runCluster } from './cluster.ts'
import { runInstance } from './instance-run.ts'
import { readOptions, say } from './options.ts'

const options = readOptions(process.argv.slice(2))
const missing = options.missing()
if (missing !== undefined) {
  say(missing)
  process.exit(2)
}
const { kills, acked, stored, lost, twice, failOpen, broken } =
  options.kind === 'cluster' ? await runCluster(options) : await runInstance(options)
for (const line of broken) say(`BROKEN: ${line}`)
if (failOpen !== undefined) process.stdout.write(`failOpen ${failOpen}\n`)
process.stdout.write(`kills ${kills} acked ${acked} stored ${stored} lost ${lost} twice ${twice}\n`)
process.exit(broken.length > 0 || lost > 0 || twice > (failOpen ?? 0) ? 7 : 0)
