import { describe, expect, it } from 'vitest'
import { type EpcisEvent, transformEPCISEvent } from './epcis.ts'

const eventTime = '2026-01-15T10:30:00.123+05:00'
const event: EpcisEvent = { type: 'ObjectEvent', eventTime }
const ofCbv = (names: string) => names.trim().split(/\s+/)

/** CBV 2.0, section 7.1.3: 41 business steps. */
const businessSteps = ofCbv(`
  accepting arriving assembling collecting commissioning consigning creating_class_instance cycle_counting decommissioning
  departing destroying disassembling dispensing encoding entering_exiting holding inspecting installing killing loading other
  packing picking receiving removing repackaging repairing replacing reserving retail_selling sampling sensor_reporting shipping
  staging_outbound stock_taking stocking storing transporting unloading unpacking void_shipping`)

/** CBV 2.0, section 7.2.3, with the older ones that are still met. */
const dispositions = ofCbv(`
  active available completeness_inferred completeness_verified conformant container_closed container_open damaged destroyed
  dispensed disposed encoded expired in_progress in_transit inactive mismatch mismatch_class mismatch_instance
  mismatch_quantity needs_replacement no_pedigree_match non_conformant non_sellable_other partially_dispensed recalled reserved
  retail_sold returned sellable_accessible sellable_not_accessible stolen unavailable unknown`)

describe('transformEPCISEvent (X3-26)', () => {
  it('maps an event with all its places', () => {
    const bizTransactionList = [
      { type: 'po', bizTransaction: 'urn:epcglobal:cbv:bt:1:PO-1' },
      { type: 'inv', bizTransaction: 'urn:epcglobal:cbv:bt:1:INV-1' },
    ]
    const epcList = ['urn:epc:id:sgtin:0614141.107346.2017', 'urn:epc:id:sgtin:0614141.107346.2018']
    expect(
      transformEPCISEvent(
        {
          ...event,
          eventID: 'ni:///sha-256;025a?ver=CBV2.0',
          eventTimeZoneOffset: '+05:00',
          action: 'OBSERVE',
          epcList,
          bizStep: 'urn:epcglobal:cbv:bizstep:shipping',
          disposition: 'https://ref.gs1.org/cbv/Disp-in_transit',
          readPoint: { id: 'urn:epc:id:sgln:0614141.00001.1' },
          bizLocation: { id: 'urn:epc:id:sgln:0614141.00001.0', 'ext:dock': 0 } as never,
          bizTransactionList,
          'ext:temperature': 0,
        },
        { ns: 'warehouse', actorId: 'scanner-1', correlationId: 'shipment-1' },
      ),
    ).toEqual({
      id: 'epcis-ni:///sha-256;025a?ver=CBV2.0',
      event_type: 'track',
      event_name: 'ObjectEvent',
      event_source: 'epcis',
      ns: 'warehouse',
      actor_id: 'scanner-1',
      correlation_id: 'shipment-1',
      timestamp: Date.UTC(2026, 0, 15, 5, 30, 0, 123),
      action_verb: 'observe',
      biz_step: 'shipping',
      biz_disposition: 'in_transit',
      biz_read_point: 'urn:epc:id:sgln:0614141.00001.1',
      biz_location: 'urn:epc:id:sgln:0614141.00001.0',
      biz_transaction: 'urn:epcglobal:cbv:bt:1:PO-1',
      resource_type: 'product',
      resource_id: epcList[0],
      data: {
        eventTimeZoneOffset: '+05:00',
        epcList,
        bizLocation: { id: 'urn:epc:id:sgln:0614141.00001.0', 'ext:dock': 0 },
        bizTransactionList,
        'ext:temperature': 0,
      },
    })
  })

  it('takes the five types of events, under either name of the field', () => {
    for (const kind of ['Object', 'Aggregation', 'Transaction', 'Transformation', 'Association']) {
      expect(transformEPCISEvent({ type: `${kind}Event`, eventTime }).event_name).toBe(`${kind}Event`)
      expect(transformEPCISEvent({ eventType: `${kind}Event`, eventTime })).toMatchObject({
        event_name: `${kind}Event`,
        ns: 'epcis',
      })
    }
  })

  it('says add, remove and observe', () => {
    const verb = (action?: string) => transformEPCISEvent({ ...event, ...(action && { action }) }).action_verb
    expect(['ADD', 'DELETE', 'OBSERVE', undefined].map(verb)).toEqual(['add', 'remove', 'observe', 'observe'])
  })

  it('shortens the 41 business steps and the dispositions in every spelling', () => {
    expect(businessSteps).toHaveLength(41)
    const spellings = (urn: string, web: string, name: string) => [
      name,
      `urn:epcglobal:cbv:${urn}:${name}`,
      `https://ref.gs1.org/cbv/${web}-${name}`,
      `https://ns.gs1.org/cbv/${web}-${name}`,
      `cbv:${web}-${name}`,
    ]
    for (const name of businessSteps) {
      for (const bizStep of spellings('bizstep', 'BizStep', name)) {
        expect(transformEPCISEvent({ ...event, bizStep }).biz_step).toBe(name)
      }
    }
    for (const name of dispositions) {
      for (const disposition of spellings('disp', 'Disp', name)) {
        expect(transformEPCISEvent({ ...event, disposition }).biz_disposition).toBe(name)
      }
    }
  })

  it('keeps a company’s own step whole', () => {
    const bizStep = 'urn:acme:bizstep:shipping'
    expect(transformEPCISEvent({ ...event, bizStep }).biz_step).toBe(bizStep)
  })

  it('is about the container, else about the first product of any list', () => {
    const about = (fields: object) => {
      const { resource_type, resource_id } = transformEPCISEvent({ ...event, ...fields })
      return [resource_type, resource_id]
    }
    expect(about({ parentID: 'sscc', childEPCs: ['a'] })).toEqual(['container', 'sscc'])
    expect(about({ inputEPCList: ['in'], outputEPCList: ['out'] })).toEqual(['product', 'out'])
    expect(about({ epcList: [], quantityList: [{ epcClass: 'lot', quantity: 0 }] })).toEqual(['product', 'lot'])
    expect(about({})).toEqual([undefined, undefined])
  })

  it('throws with every issue of an event that is none', () => {
    expect(() => transformEPCISEvent({} as never)).toThrow('/type: required; /eventTime: required')
    expect(() =>
      transformEPCISEvent({
        type: 'OtherEvent',
        eventTime: 'yesterday',
        action: 'toString',
        readPoint: 'here' as never,
        epcList: 'one' as never,
        bizTransactionList: [7] as never,
      }),
    ).toThrow(
      [
        '/type: expected ObjectEvent, AggregationEvent, TransactionEvent, TransformationEvent, AssociationEvent, got string(10)',
        '/eventTime: expected RFC 3339 or Unix ms, got string(9)',
        '/action: expected ADD, DELETE, OBSERVE, got string(8)',
        '/readPoint: expected object, got string(4)',
        '/bizTransactionList/0: expected object, got number',
        '/epcList: expected array, got string(3)',
      ].join('; '),
    )
  })
})
