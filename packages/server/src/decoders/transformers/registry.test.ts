import { describe, expect, it } from 'vitest'
import { createTransformerRegistry } from './registry.ts'
import type { Transformer } from './transformer.ts'
import { createTransformers } from './transformers.ts'

const one: Transformer = {
  name: 'one',
  description: 'gives one event',
  source: 'a',
  eventType: 'track',
  multipleOutputs: false,
  transform: (input: { name: string }, ns?: string) => ({ event_name: input.name, ...(ns !== undefined && { ns }) }),
}
const many: Transformer = {
  name: 'many',
  description: 'gives one event per name',
  source: 'b',
  eventType: 'metric',
  multipleOutputs: true,
  transform: (input: { names: string[] }) => input.names.map((name) => ({ event_name: name })),
}

/** X3-11, method by method. */
describe('a registry of transformers', () => {
  it('registers under a name once', () => {
    const registry = createTransformerRegistry()
    expect(registry.size).toBe(0)
    registry.register(one)
    expect([registry.size, registry.has('one'), registry.has('two')]).toEqual([1, true, false])
    expect(() => registry.register({ ...many, name: 'one' })).toThrow("a transformer 'one' is registered already")
    expect(registry.get('one')).toBe(one)
    expect(() => createTransformerRegistry([one, one])).toThrow('registered already')
  })

  it('unregisters, and says whether there was something', () => {
    const registry = createTransformerRegistry([one, many])
    expect([registry.unregister('one'), registry.unregister('one'), registry.size]).toEqual([true, false, 1])
    registry.register(one)
    expect(registry.list()).toEqual(['many', 'one'])
  })

  it('gives a transformer, its function, or undefined', () => {
    const registry = createTransformerRegistry([one])
    expect(registry.get('one')).toBe(one)
    expect(registry.getFunction('one')).toBe(one.transform)
    expect([registry.get('two'), registry.getFunction('two')]).toEqual([undefined, undefined])
  })

  it('lists in the order of registration, with meta, by source and by event type', () => {
    const registry = createTransformerRegistry([many, one])
    expect(registry.list()).toEqual(['many', 'one'])
    const { transform: _, ...meta } = many
    expect(registry.listWithMeta()[0]).toEqual(meta)
    expect(Object.keys(registry.listWithMeta()[0]!).sort()).toEqual(
      ['description', 'eventType', 'multipleOutputs', 'name', 'source'].sort(),
    )
    expect([registry.listBySource('a'), registry.listBySource('none')]).toEqual([['one'], []])
    expect([registry.listByEventType('metric'), registry.listByEventType('log')]).toEqual([['many'], []])
  })

  it('transforms with what stands beside the input; an unknown name throws and says which there are', () => {
    const registry = createTransformerRegistry([one, many])
    expect(registry.transform('one', { name: 'x' }, 'shop')).toEqual({ event_name: 'x', ns: 'shop' })
    expect(registry.transform('many', { names: ['x', 'y'] })).toEqual([{ event_name: 'x' }, { event_name: 'y' }])
    expect(() => registry.transform('two', {})).toThrow("unknown transformer 'two', have one, many")
    expect(() => createTransformerRegistry().transform('two', {})).toThrow("unknown transformer 'two', have none")
  })

  it('transforms to an array whatever comes out', () => {
    const registry = createTransformerRegistry([one, many])
    expect(registry.transformToArray('one', { name: 'x' })).toEqual([{ event_name: 'x' }])
    expect(registry.transformToArray('many', { names: ['x', 'y'] })).toHaveLength(2)
    expect(registry.transformToArray('many', { names: [] })).toEqual([])
    expect(() => registry.transformToArray('two', {})).toThrow('unknown transformer')
  })

  it('clears', () => {
    const registry = createTransformerRegistry([one, many])
    registry.clear()
    expect([registry.size, registry.list()]).toEqual([0, []])
  })

  it('has every transformer of the release', () => {
    const names =
      'otel-span otel-log otel-metric segment-track segment-identify segment-page cdc do-event do-action web-vital session-replay snippet tail epcis api-request'
    expect(createTransformers().list().toSorted()).toEqual(names.split(' ').toSorted())
  })

  it('is its own: what one loses, another keeps', () => {
    const registry = createTransformers()
    const { size } = registry
    registry.clear()
    expect(createTransformers().size).toBe(size)
  })
})
