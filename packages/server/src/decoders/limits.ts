/** Events that one body may hold, in every dialect; more are `too_large`. */
export const maxEventsPerBody = 100_000

/** What a body may inflate to that is compressed within (not by its content-encoding): as much as one may be that is not. */
export const maxInflatedBytes = 20_000_000
