import { join } from 'node:path'
import type { Deps } from '../core/deps.ts'
import { startInOrder } from '../core/start-in-order.ts'
import { assertOpenIsLoopback, createAuthenticate } from '../gate/authenticate.ts'
import { createDedupIndex } from '../gate/dedup/create-dedup-index.ts'
import { createSharedDedup } from '../gate/dedup/shared-dedup.ts'
import { createGate } from '../gate/gate.ts'
import { createKeyRing } from '../kv/key-ring.ts'
import { createListeners } from '../sources/listeners.ts'
import { createCollectorReport } from './collector-report.ts'
import type { Config } from './config.ts'
import { openLog, openSharedCache, openState } from './drivers.ts'
import { projectsOf } from './projects.ts'
import { writeRunFile } from './run-file.ts'
import type { Role } from './role-main.ts'

/** HTTP in → gate → log. Parts start in the order of this page and stop in the reverse: nothing is accepted that could not be stored. */
export function createCollectorRole(config: Config, deps: Deps): Role {
  assertOpenIsLoopback(config.auth, 'collector.host', config.collector.host)
  const { dataDir } = config
  const projects = () => projectsOf(config)
  const state = openState(config, deps)
  const log = openLog(config, deps, 'collector')
  const keys = createKeyRing({ state, projects, deps })
  const cache = openSharedCache(config, deps)
  const index = createDedupIndex({
    dir: join(dataDir, 'dedup'),
    log,
    state,
    windowMs: config.dedup.window,
    maxBytes: config.dedup.maxBytes,
    follow: cache !== undefined,
    deps,
  })
  const dedup = cache === undefined ? index : createSharedDedup({ local: index, cache, log, deps })
  const gate = createGate({
    log,
    dedup,
    state,
    config: { dataDir, minFreeBytes: config.log.minFreeBytes, retention: config.log.retention },
    deps,
  })
  const listeners = createListeners({
    config: config.collector,
    basePath: config.basePath,
    accept: gate.accept,
    authenticate: createAuthenticate({ auth: config.auth, projects, keys }),
    readiness: () => gate.refusal(),
    deps,
  })
  const report = createCollectorReport({ dataDir, refusal: () => gate.refusal(), deps })
  const all = startInOrder([state, log, ...(cache === undefined ? [] : [cache]), keys, dedup, gate, listeners, report])
  return {
    async start(signal) {
      await all.start(signal)
      const { collector: url, otlp, grpc } = listeners.urls()
      writeRunFile(dataDir, 'collector', { url, otlp, grpc })
    },
    stop: () => all.stop(),
    ready() {
      const { collector: url, otlp, grpc } = listeners.urls()
      return { url, otlp, grpc }
    },
  }
}
