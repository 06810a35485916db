/** Days for which rows stay in their tables; those of `events` say it themselves, in `expires_at`. */
export const retentionDays = { outcomes: 90, quarantine: 30, ledger: 400 } as const
