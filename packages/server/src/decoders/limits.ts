/** Events that one body may hold, in every dialect; more are `too_large`. */
export const maxEventsPerBody = 100_000
