import { randomUUID } from 'node:crypto'
import { PipelineError } from '../../core/errors.ts'
import { type HttpAnswer, jsonAnswer } from '../../http/answer.ts'
import type { Exchange } from '../../http/server.ts'
import { describeReply } from '../describe/posthog-replies.ts'
import type { SourceReply } from '../source.ts'
import { readPosthogScript } from './posthog-scripts.ts'

/**
 * What PostHog's libraries ask before they run. There are no flags, surveys, experiments or tours here, so they are told that there
 * are none, in the form that each version expects; what is on: autocapture, web vitals, and recordings to `/s/`. Nothing
 * of a project is told, so no key is asked for.
 */

/** PostHog's remote configuration. posthog-js asks for no flags when it hears that there are none. */
function remoteConfig(token: string): Readonly<Record<string, unknown>> {
  return {
    token,
    supportedCompression: ['gzip', 'gzip-js'],
    hasFeatureFlags: false,
    captureDeadClicks: false,
    capturePerformance: { network_timing: true, web_vitals: true, web_vitals_allowed_metrics: null },
    autocapture_opt_out: false,
    autocaptureExceptions: false,
    analytics: { endpoint: '/i/v0/e/' },
    elementsChainAsString: true,
    errorTracking: { autocaptureExceptions: false, suppressionRules: [] },
    logs: { captureConsoleLogs: false },
    sessionRecording: {
      endpoint: '/s/',
      consoleLogRecordingEnabled: false,
      recorderVersion: 'v2',
      sampleRate: null,
      minimumDurationMilliseconds: null,
      linkedFlag: null,
      networkPayloadCapture: null,
      masking: { maskAllInputs: true },
      urlTriggers: [],
      urlBlocklist: [],
      eventTriggers: [],
      triggerMatchType: null,
      scriptConfig: null,
    },
    heatmaps: false,
    conversations: false,
    surveys: false,
    productTours: false,
    defaultIdentifiedOnly: true,
    siteApps: [],
  }
}

/** Flags, of which there are none: a list in `/decide/` v1, with variants from v2, with payloads from v3, with details in v2 of `/flags/`. */
function noFlags(kind: 'flags' | 'decide', version: number): Readonly<Record<string, unknown>> {
  if (kind === 'decide' && version < 2) return { featureFlags: [] }
  const common = { errorsWhileComputingFlags: false, requestId: randomUUID() }
  const hasDetails = version >= (kind === 'flags' ? 2 : 4)
  if (hasDetails) return { flags: {}, ...common, evaluatedAt: Date.now() }
  return { featureFlags: {}, featureFlagPayloads: {}, ...common }
}

function versionOf({ request }: Exchange): number {
  const version = Number((request.query as Readonly<Record<string, unknown>>)['v'])
  return Number.isFinite(version) ? version : 1
}

function answerFlags(kind: 'flags' | 'decide', exchange: Exchange): HttpAnswer {
  const wantsConfig = kind === 'decide' || (exchange.request.query as Record<string, unknown>)['config'] === 'true'
  return jsonAnswer({ ...(wantsConfig && remoteConfig('')), ...noFlags(kind, versionOf(exchange)) })
}

const scriptType = 'text/javascript; charset=utf-8'

function script(body: string | Uint8Array): HttpAnswer {
  return { status: 200, type: scriptType, headers: { 'cache-control': 'public, max-age=300' }, body }
}

/** A part of the path; only the characters that keys and versions are made of. */
function partOf({ request }: Exchange, name: string): string {
  const part = (request.params as Readonly<Record<string, string>>)[name] ?? ''
  if (/^[A-Za-z0-9_.-]{1,256}$/.test(part)) return part
  throw new PipelineError(
    'not_found',
    `a ${name} of ${part.length} characters: expected letters, digits, "_", "-", "."`,
  )
}

function configScript(token: string): string {
  const key = JSON.stringify(token)
  const config = JSON.stringify(remoteConfig(token))
  return `(function(){window._POSTHOG_REMOTE_CONFIG=window._POSTHOG_REMOTE_CONFIG||{};window._POSTHOG_REMOTE_CONFIG[${key}]={config:${config},siteApps:[]}})();`
}

async function answerScript(exchange: Exchange): Promise<HttpAnswer> {
  return script(await readPosthogScript(partOf(exchange, 'script')))
}

const empty: Readonly<Record<string, unknown>> = {
  '/api/surveys/': { surveys: [] },
  '/api/early_access_features/': { earlyAccessFeatures: [] },
  '/api/web_experiments/': { experiments: [] },
  '/api/product_tours/': { product_tours: [] },
  '/flags/definitions': { flags: [], group_type_mapping: {}, cohorts: {} },
  '/api/feature_flag/local_evaluation/': { flags: [], group_type_mapping: {}, cohorts: {} },
}

export const posthogReplies: readonly SourceReply[] = [
  {
    method: 'POST',
    path: '/flags/',
    respond: (exchange) => answerFlags('flags', exchange),
    describes: describeReply('Feature flags: none'),
  },
  {
    method: 'POST',
    path: '/decide/',
    respond: (exchange) => answerFlags('decide', exchange),
    describes: describeReply('Settings and feature flags, as older libraries ask for them'),
  },
  {
    method: 'GET',
    path: '/array/:token/config',
    respond: (exchange) => jsonAnswer(remoteConfig(partOf(exchange, 'token'))),
    describes: describeReply('Settings of the browser library', ['token']),
  },
  {
    method: 'GET',
    path: '/array/:token/config.js',
    respond: (exchange) => script(configScript(partOf(exchange, 'token'))),
    describes: describeReply('The same as a script', ['token'], scriptType),
  },
  {
    method: 'GET',
    path: '/array/:token/array.js',
    respond: async (exchange) => {
      const settings = configScript(partOf(exchange, 'token'))
      return script(Buffer.concat([Buffer.from(`${settings}\n`), await readPosthogScript('array.js')]))
    },
    describes: describeReply('The browser library with its settings', ['token'], scriptType),
  },
  {
    method: 'GET',
    path: '/static/:script',
    respond: answerScript,
    describes: describeReply('A script that the browser library loads when it needs it', ['script'], scriptType),
  },
  {
    method: 'GET',
    path: '/static/:version/:script',
    respond: answerScript,
    describes: describeReply('The same by version', ['version', 'script'], scriptType),
  },
  ...Object.entries(empty).map(
    ([path, body]): SourceReply => ({
      method: 'GET',
      path,
      respond: () => jsonAnswer(body),
      describes: describeReply('Nothing of that kind is here'),
    }),
  ),
]
