import type { EventColumns } from '@millrace/protocol'

/** How long an event is kept, counted from its `timestamp`: by its name, else by its category, else by default. */
const retentionDays = {
  default: 90,
  transaction: 2555,
  content: 2555,
  user_activity: 730,
  interaction: 365,
  error: 30,
  critical: 90,
  system: 365,
} as const

type RetentionClass = keyof typeof retentionDays

const byName: ReadonlyMap<string, RetentionClass> = new Map<string, RetentionClass>([
  ['project.created', 'transaction'],
  ['proposal.submitted', 'transaction'],
  ['milestone.approved', 'transaction'],
  ['payment.initiated', 'transaction'],
  ['payment.completed', 'transaction'],
  ['profile.viewed', 'interaction'],
  ['search.performed', 'interaction'],
  ['filter.applied', 'interaction'],
  ['message.sent', 'interaction'],
  ['notification.clicked', 'interaction'],
  ['user.login', 'user_activity'],
  ['user.logout', 'user_activity'],
  ['session.started', 'user_activity'],
  ['password.changed', 'user_activity'],
  ['mfa.enabled', 'user_activity'],
  ['review.posted', 'content'],
  ['portfolio.created', 'content'],
  ['profile.updated', 'content'],
])

const dayMs = 86_400_000

/** Unix ms. */
export function expiresAt(event: EventColumns): number {
  return (event.timestamp as number) + retentionDays[retentionClass(event)] * dayMs
}

function retentionClass(event: EventColumns): RetentionClass {
  const named = byName.get(event.event_name as string)
  if (named !== undefined) return named
  const category = event.labels?.['category']
  if (typeof category === 'string' && Object.hasOwn(retentionDays, category)) return category as RetentionClass
  if (event.event_type === 'log') {
    const level = event.log_level
    if (level === 'error') return 'error'
    if (level === 'fatal' || level === 'critical') return 'critical'
  }
  return 'default'
}
