/** How a request ended, from its status alone: what is neither a success nor a known way of being held up is an error. */
export function outcomeOfStatus(status: number): 'success' | 'rate_limited' | 'timeout' | 'error' {
  if (status >= 200 && status < 400) return 'success'
  if (status === 429) return 'rate_limited'
  if (status === 408 || status === 504) return 'timeout'
  return 'error'
}

/** The same by whose fault it was, as API requests have it: a redirect, and a status that is none, says nothing about that. */
export function outcomeByClass(status: number): 'success' | 'client_error' | 'server_error' | 'unknown' {
  if (status >= 200 && status < 300) return 'success'
  if (status >= 400 && status < 500) return 'client_error'
  if (status >= 500 && status < 600) return 'server_error'
  return 'unknown'
}
