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
const atSign = 64

/** Where the path begins. The host is kept without user and password, in lower case, with its port. */
function cutHost(url: string, from: number, pathEnd: number, event: EventColumns): number {
  let start = from
  let end = from
  let isLower = true
  for (; end < pathEnd; end++) {
    const code = url.charCodeAt(end)
    if (code === slash) break
    if (code === atSign) start = end + 1
    else if ((code >= 65 && code <= 90) || code > 127) isLower = false
  }
  if (end > start && empty(event.http_host)) {
    const host = url.slice(start, end)
    event.http_host = isLower ? host : host.toLowerCase()
  }
  return end
}

const prefix = 'utm_'
const ampersand = 38
const equalsSign = 61
/** `campaign` */
const longestName = 8
/** More than that is no link of anybody's. */
const maxParameters = 200
/** As long as other text columns may be; a query is free text and may be longer. */
const maxCampaignLength = 1024

/** From one `utm_` to the next: most of a query is of no interest, and taking it apart would cost more than all else here. */
function fillCampaign(query: string, event: EventColumns): void {
  let at = query.indexOf(prefix)
  for (let seen = 0; at >= 0 && seen < maxParameters; seen++) {
    const nameStart = at + prefix.length
    const found = query.indexOf('&', nameStart)
    const end = found < 0 ? query.length : found
    if (at === 0 || query.charCodeAt(at - 1) === ampersand) {
      const limit = Math.min(end, nameStart + longestName + 1)
      let equals = nameStart
      while (equals < limit && query.charCodeAt(equals) !== equalsSign) equals++
      if (equals < limit) setCampaign(event, query.slice(nameStart, equals), query, equals + 1, end)
    }
    at = found < 0 ? -1 : query.indexOf(prefix, found)
  }
}

/**
 * One assignment per column, not `event[name]`: an object of some twenty columns that gets another by a computed name turns into a
 * hash table, and every later step reads it at several times the cost.
 */
function setCampaign(event: EventColumns, name: string, query: string, start: number, end: number): void {
  switch (name) {
    case 'campaign':
      if (empty(event.campaign_name)) event.campaign_name = decode(query, start, end)
      break
    case 'source':
      if (empty(event.campaign_source)) event.campaign_source = decode(query, start, end)
      break
    case 'medium':
      if (empty(event.campaign_medium)) event.campaign_medium = decode(query, start, end)
      break
    case 'term':
      if (empty(event.campaign_term)) event.campaign_term = decode(query, start, end)
      break
    case 'content':
      if (empty(event.campaign_content)) event.campaign_content = decode(query, start, end)
      break
    case 'id':
      if (empty(event.campaign_id)) event.campaign_id = decode(query, start, end)
      break
  }
}

/** A parameter's value. */
function decode(query: string, start: number, end: number): string {
  const text = query.slice(start, end)
  const spaced = text.indexOf('+') < 0 ? text : text.replaceAll('+', ' ')
  return unescape(spaced).slice(0, maxCampaignLength)
}

function unescape(text: string): string {
  if (text.indexOf('%') < 0) return text
  try {
    return decodeURIComponent(text)
  } catch {
    return text // A broken escape: as it stands is more useful than nothing.
  }
}

function empty(value: string | undefined): boolean {
  return value === undefined || value === ''
}
