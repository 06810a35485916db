// System packages that some suites need. Installed when asked for and possible; else one loud line per skipped suite.
import { spawnSync } from 'node:child_process'

const tools = [
  { command: 'strace', debian: 'strace', suite: 'the order of sync and acknowledgement by system calls' },
  { command: 'openssl', debian: 'openssl', suite: 'TLS and mTLS of the listeners' },
  { command: 'java', debian: 'default-jre-headless', suite: 'the log in Kafka on a real broker' },
  { command: 'mvn', debian: 'maven', suite: 'fetching the Kafka broker for the suites that need one' },
  { command: 'redis-server', debian: 'redis-server', suite: 'the cache on Redis and dedup over several collectors' },
  { command: 'chromium', debian: 'chromium', suite: 'real pages: browser clients in Chromium' },
  // Debian keeps its programs off PATH.
  { command: 'postgres', at: '/usr/lib/postgresql/*/bin', debian: 'postgresql', suite: 'the state on PostgreSQL' },
]

/** Returns a line for each suite that will be skipped. */
export function systemTools(install) {
  let missing = tools.filter((tool) => !has(tool))
  if (missing.length > 0 && install && process.getuid?.() === 0 && has({ command: 'apt-get' })) {
    const names = missing.map((tool) => tool.debian)
    process.stderr.write(`millrace: installing ${names.join(' ')} …\n`)
    const quiet = { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } }
    spawnSync('apt-get', ['update', '-qq'], quiet)
    spawnSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], quiet)
    missing = tools.filter((tool) => !has(tool))
  }
  return missing.map(
    (tool) => `SKIPPED: ${tool.suite}: \`${tool.command}\` is missing; as root: apt-get install -y ${tool.debian}`,
  )
}

function has({ command, at }) {
  const elsewhere = at === undefined ? 'false' : `ls ${at}/${command}`
  return spawnSync('sh', ['-c', `command -v ${command} || ${elsewhere}`], { stdio: 'ignore' }).status === 0
}
