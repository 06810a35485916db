import { PipelineError } from '../../core/errors.ts'
import { type HttpAnswer, jsonAnswer } from '../../http/answer.ts'
import { problemAnswer } from '../../http/problem.ts'
import type { Exchange } from '../../http/server.ts'
import { describeClassicScript, describeLibraryMetrics, describeSettings } from '../describe/segment-replies.ts'
import type { ReplyContext, SourceReply } from '../source.ts'

/** A name, an IPv4 or an IPv6 address, with or without a port: what may stand in an address that a browser is given. */
const hostForm = /^(?:[a-z0-9](?:[a-z0-9._-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::\d{1,5})?$/i

/**
 * Settings that analytics-next asks its CDN for before it sends anything, and Segment's mobile libraries too: no destinations, no
 * plan, no metrics of the library's own, and events to the host that was asked (behind a proxy that is trusted: to the host that
 * the proxy was asked). A key that could not send is refused here, where its developer sees it in the browser's console.
 */
function answerSettings({ request }: Exchange, { basePath, authenticate }: ReplyContext): HttpAnswer {
  const { writeKey = '' } = request.params as Readonly<Record<string, string>>
  const { origin } = request.headers
  authenticate({ key: writeKey, scope: 'write', ...(origin !== undefined && { origin }) })
  const host = request.host as string | undefined
  if (host === undefined || !hostForm.test(host)) {
    throw new PipelineError(
      'malformed',
      `the request's host of ${host?.length ?? 0} characters is no host name with an optional port`,
    )
  }
  const answer = jsonAnswer({
    integrations: {
      'Segment.io': {
        apiKey: writeKey,
        apiHost: `${host}${basePath}/v1`,
        protocol: request.protocol === 'https' ? 'https' : 'http',
        // Without it each event would carry the list of its destinations, of which there are none.
        addBundledMetadata: false,
        unbundledIntegrations: [],
        maybeBundledConfigIds: {},
      },
    },
    plan: { track: { __default: { enabled: true, integrations: {} } }, identify: {}, group: {} },
    edgeFunction: {},
    analyticsNextEnabled: true,
    middlewareSettings: {},
    enabledMiddleware: {},
    metrics: { sampleRate: 0 },
    legacyVideoPluginsEnabled: false,
    remotePlugins: [],
  })
  // For this browser alone: the answer depends on the host that was asked.
  return { ...answer, headers: { 'cache-control': 'private, max-age=60' } }
}

/** Counts that analytics-next makes of itself where its settings come from elsewhere and only `apiHost` points here. */
async function dropLibraryMetrics({ readBody }: Exchange): Promise<HttpAnswer> {
  await readBody()
  return jsonAnswer({ success: true })
}

function refuseClassicScript({ requestId }: Exchange): HttpAnswer {
  return problemAnswer(
    new PipelineError(
      'not_found',
      'analytics.js itself is not served here: serve dist/umd/standalone.js of the npm package @segment/analytics-next from your own site, and let the snippet load that',
    ),
    requestId,
  )
}

export const segmentReplies: readonly SourceReply[] = [
  {
    method: 'GET',
    path: '/v1/projects/:writeKey/settings',
    respond: answerSettings,
    describes: describeSettings,
  },
  { method: 'POST', path: '/v1/m', respond: dropLibraryMetrics, describes: describeLibraryMetrics },
  {
    method: 'GET',
    path: '/analytics.js/v1/:writeKey/analytics.min.js',
    respond: refuseClassicScript,
    describes: describeClassicScript,
  },
]
