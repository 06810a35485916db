/** The known event types of a platform, by the category on which retention goes. A type may be any other `entity.action`. */
const typesByCategory = {
  transaction: [
    'project.created',
    'project.updated',
    'project.deleted',
    'proposal.submitted',
    'proposal.accepted',
    'proposal.rejected',
    'milestone.created',
    'milestone.approved',
    'milestone.completed',
    'payment.initiated',
    'payment.completed',
    'payment.failed',
  ],
  interaction: [
    'profile.viewed',
    'project.viewed',
    'search.performed',
    'filter.applied',
    'message.sent',
    'notification.clicked',
  ],
  user_activity: [
    'user.login',
    'user.logout',
    'user.registered',
    'session.started',
    'session.ended',
    'password.changed',
    'mfa.enabled',
    'mfa.disabled',
  ],
  content: [
    'review.posted',
    'review.updated',
    'portfolio.created',
    'portfolio.updated',
    'profile.updated',
    'github.synced',
  ],
  system: ['error.occurred', 'job.started', 'job.completed', 'job.failed', 'sync.completed', 'backup.completed'],
} as const

export type PlatformCategory = keyof typeof typesByCategory

export const platformCategories = Object.keys(typesByCategory) as readonly PlatformCategory[]

const categories: ReadonlyMap<string, PlatformCategory> = new Map(
  platformCategories.flatMap((category) => typesByCategory[category].map((type) => [type, category] as const)),
)

export function categoryOf(type: string): PlatformCategory | undefined {
  return categories.get(type)
}

export function isPlatformCategory(value: unknown): value is PlatformCategory {
  return (platformCategories as readonly unknown[]).includes(value)
}

/** `entity.action`, at most 100 characters. */
export function isPlatformName(type: string): boolean {
  return type.length <= 100 && /^[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*$/.test(type)
}
