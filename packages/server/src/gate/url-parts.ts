import type { EventColumns } from '@millrace/protocol'

/**
 * Fills http_host, http_path and http_query from http_url, and campaign_* from the query's utm_ parameters, each only where the
 * dialect left it empty. Cut by position, not by a URL parser: this is the hot path, and a URL that no parser takes has parts too.
 */
export function fillUrlParts(event: EventColumns): void {
  const url = event.http_url
  if (url !== undefined && url !== '') cutUrl(url, event)
  const query = event.http_query
  if (query !== undefined && query.includes('utm_')) fillCampaign(query, event)
}

function cutUrl(url: string, event: EventColumns): void {
  const hash = url.indexOf('#')
  const end = hash < 0 ? url.length : hash
  const mark = url.indexOf('?')
  const hasQuery = mark >= 0 && mark < end
  const pathEnd = hasQuery ? mark : end
  let pathStart = 0
  const scheme = url.indexOf('://')
  if (scheme > 0 && scheme < pathEnd) pathStart = cutHost(url, scheme + 3, pathEnd, event)
  else if (url.startsWith('//')) pathStart = cutHost(url, 2, pathEnd, event)
  else if (url.charCodeAt(0) !== slash) return // `about:blank`, `data:…`, a bare word: nothing that we could name
  if (empty(event.http_path)) event.http_path = pathStart < pathEnd ? url.slice(pathStart, pathEnd) : '/'
  if (hasQuery && mark + 1 < end && empty(event.http_query)) event.http_query = url.slice(mark + 1, end)
}

const slash = 47

/** Where the path begins. The host is kept without user and password, in lower case, with its port. */
function cutHost(url: string, from: number, pathEnd: number, event: EventColumns): number {
  const found = url.indexOf('/', from)
  const end = found < 0 || found > pathEnd ? pathEnd : found
  if (empty(event.http_host)) {
    const at = url.lastIndexOf('@', end - 1)
    const host = url.slice(at >= from ? at + 1 : from, end).toLowerCase()
    if (host !== '') event.http_host = host
  }
  return end
}

const campaignColumns = {
  utm_campaign: 'campaign_name',
  utm_source: 'campaign_source',
  utm_medium: 'campaign_medium',
  utm_term: 'campaign_term',
  utm_content: 'campaign_content',
  utm_id: 'campaign_id',
} as const

/** As long as other text columns may be; a query is free text and may be longer. */
const maxCampaignLength = 1024

function fillCampaign(query: string, event: EventColumns): void {
  for (const pair of query.split('&', 200)) {
    if (!pair.startsWith('utm_')) continue
    const equals = pair.indexOf('=')
    if (equals < 0) continue
    const name = pair.slice(0, equals)
    if (!Object.hasOwn(campaignColumns, name)) continue
    const column = campaignColumns[name as keyof typeof campaignColumns]
    if (empty(event[column])) event[column] = decodeQuery(pair.slice(equals + 1)).slice(0, maxCampaignLength)
  }
}

function decodeQuery(text: string): string {
  const spaced = text.replaceAll('+', ' ')
  if (!spaced.includes('%')) return spaced
  try {
    return decodeURIComponent(spaced)
  } catch {
    return spaced // A broken escape: as it stands is more useful than nothing.
  }
}

function empty(value: string | undefined): boolean {
  return value === undefined || value === ''
}
