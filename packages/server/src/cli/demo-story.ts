/** One call of the SDK: what a real application would send, and when. */
export interface DemoEvent {
  readonly call: 'track' | 'page' | 'identify'
  readonly messageId: string
  readonly userId?: string
  readonly anonymousId: string
  readonly event?: string
  readonly name?: string
  readonly traits?: Readonly<Record<string, unknown>>
  readonly properties?: Readonly<Record<string, unknown>>
  readonly context: Readonly<Record<string, unknown>>
  /** Milliseconds after the session's start. */
  readonly afterMs: number
  /** Sent by the release whose clock is wrong: its events are quarantined. */
  readonly isBadRelease: boolean
  /** The client did not see the answer and sends the same message again. */
  readonly isRetried: boolean
}

const pages = ['/', '/pricing', '/docs', '/blog/exactly-once', '/signup', '/changelog']
const campaigns = [
  undefined,
  undefined,
  undefined,
  { source: 'newsletter', medium: 'email', name: 'autumn' },
  { source: 'google', medium: 'cpc', name: 'brand', term: 'event pipeline' },
]
const devices = [
  { type: 'desktop', os: { name: 'macOS', version: '15.1' }, screen: { width: 1728, height: 1117 } },
  { type: 'desktop', os: { name: 'Windows', version: '11' }, screen: { width: 1920, height: 1080 } },
  { type: 'mobile', os: { name: 'iOS', version: '19.0' }, screen: { width: 393, height: 852 } },
  { type: 'mobile', os: { name: 'Android', version: '16' }, screen: { width: 412, height: 915 } },
]
const plans = ['free', 'free', 'team', 'pro']

/** The share of people who go on, step by step: a funnel that drops. */
const funnel = { signUp: 0.35, activate: 0.6, purchase: 0.3 }

/** Seeded random numbers 0..1 (mulberry32): the same seed tells the same story. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

/**
 * One visitor's session: pages, perhaps a sign-up, an activation, a purchase.
 * `badShare`: how likely the visitor runs the release with the wrong clock.
 */
export function demoSession(random: () => number, idPrefix: string, session: number, badShare: number): DemoEvent[] {
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random() * from.length)]!
  const person = Math.floor(random() * 5000)
  const anonymousId = `anon-${person}`
  const isBad = random() < badShare
  const device = pick(devices)
  const campaign = pick(campaigns)
  const sessionId = `${idPrefix}-s${session}`
  const events: DemoEvent[] = []
  let at = 0
  let userId: string | undefined
  const add = (event: Pick<DemoEvent, 'call'> & Partial<DemoEvent>, path: string) => {
    events.push({
      messageId: `${idPrefix}-${session}-${events.length}`,
      anonymousId,
      ...(userId !== undefined && { userId }),
      context: {
        sessionId,
        page: { url: `https://shop.example${path}`, path, title: path === '/' ? 'Home' : path.slice(1) },
        device: { type: device.type },
        os: device.os,
        screen: device.screen,
        app: { name: 'shop', version: isBad ? '2.4.0' : '2.3.1' },
        ...(campaign !== undefined && { campaign }),
      },
      afterMs: at,
      isBadRelease: isBad,
      isRetried: random() < 0.02,
      ...event,
    })
    at += 2000 + Math.floor(random() * 40_000)
  }
  for (let views = 1 + Math.floor(random() * 4); views > 0; views--) {
    const path = pick(pages)
    add(
      {
        call: 'page',
        properties: {
          path,
          url: `https://shop.example${path}`,
          referrer: campaign === undefined ? '' : `https://${campaign.source}.example/`,
        },
      },
      path,
    )
  }
  if (random() >= funnel.signUp) return events
  userId = `user-${person}`
  const plan = pick(plans)
  add({ call: 'identify', traits: { name: `Person ${person}`, plan } }, '/signup')
  add({ call: 'track', event: 'Signed Up', properties: { plan } }, '/signup')
  if (random() >= funnel.activate) return events
  add(
    { call: 'track', event: 'Activated', properties: { step: 'first_event', seconds: Math.round(at / 1000) } },
    '/app',
  )
  if (random() >= funnel.purchase) return events
  const amount = plan === 'pro' ? 49 : 19
  add({ call: 'track', event: 'Purchase Completed', properties: { plan, amount, currency: 'EUR' } }, '/app/billing')
  return events
}
