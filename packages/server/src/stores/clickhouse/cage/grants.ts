import { askGrants, askedTables } from '../../schema/access.ts'
import type { Cluster } from '../../schema/cluster.ts'

/**
 * What a user may that nobody who asks in a cage should: lines of `SHOW GRANTS` beyond reading our tables. A row filter confines what
 * is read of a table; it cannot confine other tables, writing, or the sealed columns.
 *
 *   GRANT SELECT ON millrace.events TO ask_shop
 *   GRANT SELECT(id, project, …) ON millrace.quarantine TO ask_shop
 */
export function excessGrants(lines: readonly string[], database: string, cluster: Cluster | undefined): string[] {
  const whole = new Set(askedTables(cluster).filter((table) => !table.startsWith('quarantine')))
  const readable = new Set(columnsOf(askGrants(database).find((grant) => grant.includes('.quarantine')) ?? ''))
  return lines.filter((line) => {
    const match = /^GRANT SELECT(\([^)]*\))? ON (\S+)\.(\S+) TO /.exec(line)
    if (match === null || line.includes('WITH GRANT OPTION')) return true
    const [, columns, of = '', table = ''] = match
    if (unquoted(of) !== database) return true
    const name = unquoted(table)
    if (whole.has(name)) return false
    if (!askedTables(cluster).includes(name) || columns === undefined) return true
    return columnsOf(columns).some((column) => !readable.has(column))
  })
}

function columnsOf(text: string): string[] {
  return (/\(([^)]*)\)/.exec(text)?.[1] ?? '').split(',').map((column) => unquoted(column.trim()))
}

function unquoted(name: string): string {
  return name.replace(/^`(.*)`$/, '$1')
}
