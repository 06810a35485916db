import { describe, expect, it } from 'vitest'
import { askGrants } from '../../schema/access.ts'
import { excessGrants } from './grants.ts'

const cluster = { name: 'c', replicated: true }

describe('what a user who asks may', () => {
  it('is what we ask an operator to grant, on one server and on a cluster', () => {
    const shown = (grants: readonly string[]) => grants.map((grant) => `${grant.replaceAll('`', '')} TO ask_shop`)
    expect(excessGrants(shown(askGrants('millrace')), 'millrace', undefined)).toEqual([])
    expect(excessGrants(shown(askGrants('millrace', cluster)), 'millrace', cluster)).toEqual([])
    expect(excessGrants(shown(askGrants('millrace', cluster)), 'millrace', undefined)).toHaveLength(4)
  })

  it.each([
    'GRANT SELECT ON *.* TO ask_shop',
    'GRANT SELECT ON millrace.* TO ask_shop',
    'GRANT SELECT ON other.events TO ask_shop',
    'GRANT SELECT, INSERT ON millrace.events TO ask_shop',
    'GRANT INSERT ON millrace.events TO ask_shop',
    'GRANT SELECT ON millrace.quarantine TO ask_shop',
    'GRANT SELECT(id, sealed) ON millrace.quarantine TO ask_shop',
    'GRANT SELECT(`seal_key`) ON `millrace`.`quarantine` TO ask_shop',
    'GRANT SELECT ON millrace.events TO ask_shop WITH GRANT OPTION',
    'GRANT SELECT ON millrace.schema_migrations TO ask_shop',
    'GRANT SELECT ON millrace.events_local TO ask_shop',
    'GRANT READ ON FILE TO ask_shop',
    'GRANT CREATE TEMPORARY TABLE, REMOTE ON *.* TO ask_shop',
    'GRANT analyst TO ask_shop',
    'REVOKE SELECT(a) ON millrace.events FROM ask_shop',
  ])('is not %s', (line) => {
    expect(excessGrants([line], 'millrace', undefined)).toEqual([line])
  })
})
