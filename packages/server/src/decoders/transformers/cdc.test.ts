import { describe, expect, it } from 'vitest'
import { decodeCdc } from '../cdc.ts'
import { type CdcEvent, cdc, transformCdcEvent } from './cdc.ts'
import { TransformError } from './transformer.ts'

const ns = 'https://api.example.com/tenant-1'
const timestamp = new Date('2024-06-15T10:30:00Z')

describe('transformCdcEvent', () => {
  it.each(['INSERT', 'UPDATE', 'DELETE'] as const)('maps %s to its columns', (operation) => {
    const row = { id: 'user-123', name: 'Alice', visits: 0 }
    const event: CdcEvent = {
      operation,
      table: 'users',
      schema: 'main',
      primaryKey: 'user-123',
      ...(operation !== 'INSERT' && { before: row }),
      ...(operation !== 'DELETE' && { after: { ...row, visits: 1 } }),
      transactionId: 'tx-1',
      lsn: 0,
      version: 0,
      timestamp,
    }
    const copy = structuredClone(event)
    expect(transformCdcEvent(event, ns)).toMatchObject({
      event_type: 'cdc',
      event_name: `users.${operation}`,
      ns,
      db_system: 'sqlite',
      db_name: 'main',
      db_table: 'users',
      db_operation: operation,
      db_row_id: 'user-123',
      db_lsn: '0',
      db_version: 0,
      resource_type: 'users',
      resource_id: `${ns}/users/user-123`,
      transaction_id: 'tx-1',
      timestamp: timestamp.getTime(),
      data: operation === 'DELETE' ? row : { ...row, visits: 1 },
      event_source: 'cdc',
    })
    expect(event).toEqual(copy)
  })

  it('writes a composite key as JSON, and a key of one column as its value', () => {
    const base = { operation: 'DELETE', table: 't', timestamp }
    expect(transformCdcEvent({ ...base, primaryKey: { a: 1, b: 'x' } }, ns).db_row_id).toBe('{"a":1,"b":"x"}')
    expect(transformCdcEvent({ ...base, primaryKey: { a: 9007199254740993n } }, ns).db_row_id).toBe('9007199254740993')
    expect(transformCdcEvent({ ...base, primaryKey: 0 }, ns).db_row_id).toBe('0')
  })

  it('takes a Debezium change as well', () => {
    const source = {
      connector: 'mysql',
      name: 'server',
      db: 'shop',
      table: 'orders',
      file: 'f',
      pos: 4,
      row: 1,
      ts_ms: 5e11,
    }
    expect(transformCdcEvent({ op: 'd', before: { id: 7 }, after: null, source })).toMatchObject({
      event_name: 'orders.DELETE',
      db_system: 'mysql',
      db_lsn: 'f:4',
      db_before: { id: 7 },
    })
  })

  it('keeps a row of very many columns as text alone, so that its keys stay within the limit of an event', () => {
    const after = Object.fromEntries(Array.from({ length: 2000 }, (_, n) => [`c${n}`, n]))
    const columns = transformCdcEvent({ op: 'c', table: 'wide', key: 1, after }, ns)
    expect([columns.db_after, columns.data]).toEqual([after, undefined])
    const few = { a: 1 }
    expect(transformCdcEvent({ op: 'c', table: 't', key: 1, after: few }, ns).data).toEqual(few)
  })

  it('throws a TransformError that says what is wrong, without the event’s strings', () => {
    expect(() => transformCdcEvent({ op: 'secret', table: 'users' }, ns)).toThrow(TransformError)
    expect(() => transformCdcEvent({ op: 'secret' })).toThrow(/^\/op: expected .*, got string\(6\); \/table: required$/)
    expect(() => transformCdcEvent(5 as unknown as CdcEvent)).toThrow(': expected an object')
  })

  it('says of itself what it does', () => {
    const { transform: _, ...meta } = cdc
    expect(meta).toMatchObject({ name: 'cdc', source: 'cdc', eventType: 'cdc', multipleOutputs: false })
  })
})

describe('ids of Debezium changes', () => {
  const idsOf = (changes: readonly unknown[]) =>
    decodeCdc(Buffer.from(JSON.stringify(changes)), {
      headers: {},
      kind: 'cdc',
      contentType: 'application/json',
    }).events.map(({ columns }) => columns.id)
  const pg = {
    connector: 'postgresql',
    name: 's',
    db: 'd',
    schema: 'public',
    table: 't',
    lsn: 46523128,
    ts_ms: 1559033904863,
  }
  const insert = (id: number, more: object = {}) => ({
    op: 'c',
    before: null,
    after: { id },
    source: pg,
    ts_ms: 1,
    ...more,
  })

  it('are the same when the connector sends them again later, with a schema, or in a record', () => {
    const payload = insert(1)
    const ids = idsOf([
      payload,
      { ...payload, ts_ms: 999 },
      { schema: { type: 'struct' }, payload },
      { key: { id: 1 }, value: payload },
    ])
    expect(ids[0]).toMatch(/^cdc_s\.d\.public\.t_i_46523128_/)
    expect(new Set(ids).size).toBe(1)
  })

  it('differ for rows that a COPY writes under one position, for the two halves of a changed key, and between tables', () => {
    const elsewhere = { ...pg, table: 'other' }
    const mysql = { ...pg, connector: 'mysql', lsn: undefined, file: 'bin.1', pos: 4, row: 0 }
    const changes = [
      insert(1),
      insert(2),
      insert(1, { source: elsewhere }),
      insert(1, { op: 'd', before: { id: 1 }, after: null }),
    ]
    const renamed = [
      insert(1, { op: 'd', before: { id: 1 }, after: null, source: mysql }),
      insert(2, { source: mysql }),
    ]
    const ids = idsOf([...changes, ...renamed])
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('differ for changes that a log gives one position and one row: a compressed transaction of MySQL', () => {
    const payload = { connector: 'mysql', name: 's', db: 'd', table: 't', file: 'bin.1', pos: 4, row: 0, server_id: 1 }
    const ids = idsOf([1, 2, 3].map((id) => insert(id, { source: payload })))
    expect(new Set(ids).size).toBe(3)
  })

  it('differ for the rows of a snapshot, whose position is one', () => {
    const snapshot = {
      connector: 'mysql',
      name: 's',
      db: 'd',
      table: 't',
      file: 'bin.1',
      pos: 4,
      row: 0,
      snapshot: 'true',
    }
    const ids = idsOf([1, 2, 3].map((id) => insert(id, { op: 'r', source: snapshot })))
    expect(new Set(ids).size).toBe(3)
  })

  it('stay within the longest id, however long the names are', () => {
    const [id] = idsOf([insert(1, { source: { ...pg, table: 'x'.repeat(5000) } })])
    expect(id?.length).toBeLessThanOrEqual(256)
  })
})
