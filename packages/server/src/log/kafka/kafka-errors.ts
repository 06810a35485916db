import { PipelineError } from '../../core/errors.ts'

/** Kafka's own names of its error codes, as far as we act on them. */
const passing: ReadonlySet<string> = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'REQUEST_TIMED_OUT',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'NETWORK_EXCEPTION',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'COORDINATOR_NOT_AVAILABLE',
  'NOT_COORDINATOR',
  'NOT_ENOUGH_REPLICAS',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'NOT_CONTROLLER',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'INCONSISTENT_TOPIC_ID',
  'OFFSET_NOT_AVAILABLE',
  'CONCURRENT_TRANSACTIONS',
  'UNSTABLE_OFFSET_COMMIT',
  'THROTTLING_QUOTA_EXCEEDED',
])

const rights: Readonly<Record<string, string>> = {
  TOPIC_AUTHORIZATION_FAILED: 'topics (Describe, Read, Write, DescribeConfigs; Delete to forget old records)',
  GROUP_AUTHORIZATION_FAILED: 'consumer groups (Read, Describe)',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'transactional ids (Write, Describe)',
  CLUSTER_AUTHORIZATION_FAILED: 'the cluster (IdempotentWrite, Describe; Create to make topics)',
}

/** The names of all that a broker refused in one answer; none when it did not answer at all. */
export function idsOf(error: unknown): readonly string[] {
  if (typeof error !== 'object' || error === null) return []
  const { apiId, errors } = error as { apiId?: unknown; errors?: unknown }
  const own = typeof apiId === 'string' ? [apiId] : []
  return Array.isArray(errors) ? [...own, ...errors.flatMap(idsOf)] : own
}

export function hasId(error: unknown, ...ids: readonly string[]): boolean {
  return idsOf(error).some((id) => ids.includes(id))
}

/** No answer: whether the broker did what it was asked is not known. */
export function isUnanswered(error: unknown): boolean {
  return (
    !(error instanceof PipelineError) &&
    idsOf(error).length === 0 &&
    !isRefusedCredential(error) &&
    certificateProblem(error) === undefined
  )
}

/** The same request may well succeed soon. */
export function isPassing(error: unknown): boolean {
  if (error instanceof PipelineError) return error.retry === 'later'
  const ids = idsOf(error)
  return ids.length === 0 ? isUnanswered(error) && !isProgramming(error) : ids.every((id) => passing.has(id))
}

/** Where leaders or coordinators are asked for again. */
export function isMoved(error: unknown): boolean {
  return !hasId(error, 'CONCURRENT_TRANSACTIONS', 'UNSTABLE_OFFSET_COMMIT', 'THROTTLING_QUOTA_EXCEEDED')
}

/** What a person reads; only names, numbers and addresses. */
export function toLogError(error: unknown, doing: string): PipelineError {
  if (error instanceof PipelineError) return error
  const ids = [...new Set(idsOf(error))]
  const missing = ids.find((id) => id in rights)
  if (missing !== undefined)
    return new PipelineError(
      'config',
      `Kafka refuses the right: ${doing} (${missing}). Grant this user rights on ${rights[missing]}`,
      { cause: error },
    )
  if (isRefusedCredential(error))
    return new PipelineError('config', `Kafka refuses the user or password of log.sasl: ${doing}`, { cause: error })
  const certificate = certificateProblem(error)
  if (certificate !== undefined)
    return new PipelineError(
      'config',
      `the broker's certificate is not trusted (${certificate}): ${doing}. log.tls.ca names who signed it, log.tls.serverName the name in it`,
      { cause: error },
    )
  if (hasId(error, 'MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'))
    return new PipelineError(
      'too_large',
      `Kafka refuses records of this size: ${doing}; raise the topic's max.message.bytes`,
      {
        cause: error,
      },
    )
  if (isProgramming(error)) return new PipelineError('internal', `${doing}: ${messageOf(error)}`, { cause: error })
  return new PipelineError('unavailable', `Kafka cannot now: ${doing} (${ids.join(', ') || messageOf(error)})`, {
    retryAfterSeconds: 2,
    cause: error,
  })
}

function isRefusedCredential(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause)
    if ((at as { code?: unknown }).code === 'PLT_KFK_AUTHENTICATION') return true
  return false
}

function certificateProblem(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code } = at as { code?: unknown }
    if (typeof code === 'string' && /CERT|SELF_SIGNED|^ERR_TLS|^UNABLE_TO_(GET|VERIFY)/.test(code)) return code
  }
  return undefined
}

/** Not from the network and not from a broker. */
function isProgramming(error: unknown): boolean {
  if (!(error instanceof Error)) return true
  const { code } = error as { code?: unknown }
  return typeof code !== 'string' && !(error instanceof AggregateError)
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error && error.cause.message !== '' ? `: ${error.cause.message}` : ''
  return `${error.message}${cause}`
}
