/** All columns of `events` as the API shows them: every time has milliseconds, also the one that the table keeps in seconds. */
export const wholeEvent = "* REPLACE (toDateTime64(expires_at, 3, 'UTC') AS expires_at)"
