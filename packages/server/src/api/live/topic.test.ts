import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createTopicMatcher, exactTopicIssue, matchesTopic, topicIssue, topicOf } from './topic.ts'

describe('a topic that somebody sends', () => {
  it.each([
    ['', 'EMPTY_TOPIC'],
    ['a'.repeat(257), 'TOPIC_TOO_LONG'],
    ['../etc/passwd', 'PATH_TRAVERSAL'],
    ['a/../b', 'PATH_TRAVERSAL'],
    ['a..\\b', 'PATH_TRAVERSAL'],
    ['..', 'PATH_TRAVERSAL'],
    ['__proto__', 'RESERVED_PREFIX'],
    ['_system.x', 'RESERVED_PREFIX'],
    ['$sys', 'RESERVED_PREFIX'],
    ['internal.x', 'RESERVED_PREFIX'],
    ['a b', 'INVALID_CHARACTER'],
    ['https://a', 'INVALID_CHARACTER'],
    ['a.>', 'INVALID_CHARACTER'],
    ['ä', 'INVALID_CHARACTER'],
    ['.a', 'INVALID_DOT_POSITION'],
    ['a.', 'INVALID_DOT_POSITION'],
    ['a..b', 'CONSECUTIVE_DOTS'],
    ['a.b.c.d.e.f.g.h.i.j.k', 'MAX_DEPTH_EXCEEDED'],
    ['*.a', 'INVALID_WILDCARD'],
    ['a.*.b', 'INVALID_WILDCARD'],
    ['a*', 'INVALID_WILDCARD'],
    ['a.b*', 'INVALID_WILDCARD'],
    ['a.***', 'INVALID_WILDCARD'],
    ['***', 'INVALID_WILDCARD'],
  ])('%j is %s', (topic, code) => expect(topicIssue(topic)?.code).toBe(code))

  it.each(['a', 'A.b-c_d.9', '*', '**', 'a.*', 'a.**', 'a.b.c.d.e.f.g.h.i.*', 'a'.repeat(256), 'internal', 'a._b'])(
    '%j is right',
    (topic) => expect(topicIssue(topic)).toBeUndefined(),
  )

  it('names one topic where an event is meant', () => {
    expect(exactTopicIssue('a.*')?.code).toBe('INVALID_WILDCARD')
    expect(exactTopicIssue('a.b')).toBeUndefined()
    expect(exactTopicIssue('_errors')?.code).toBe('RESERVED_PREFIX')
  })
})

describe('a pattern', () => {
  it.each([
    ['*', 'a', true],
    ['*', 'a.b.c', true],
    ['**', 'a.b.c', true],
    ['a.*', 'a.b', true],
    ['a.*', 'a', false],
    ['a.*', 'a.b.c', false],
    ['a.*', 'ab.c', false],
    ['a.**', 'a', true],
    ['a.**', 'a.b', true],
    ['a.**', 'a.b.c.d', true],
    ['a.**', 'ab', false],
    ['a.b.*', 'a.b.c', true],
    ['a.b.**', 'a.c', false],
    ['a.b', 'a.b', true],
    ['a.b', 'A.b', false],
    ['a.*.c', 'a.b.c', false],
    ['a.*.c', 'a.*.c', true],
    ['a', 'a.b', false],
  ])('%s with topic %s: %s', (pattern, topic, expected) => expect(matchesTopic(pattern, topic)).toBe(expected))

  it('matches among many what it matches alone', () => {
    const segment = fc.constantFrom('a', 'b', 'c')
    const topic = fc.array(segment, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'))
    const pattern = fc.oneof(
      topic,
      topic.map((text) => `${text}.*`),
      topic.map((text) => `${text}.**`),
    )
    const alone = (one: string, wanted: string): boolean => {
      if (one.endsWith('.**')) return wanted === one.slice(0, -3) || wanted.startsWith(one.slice(0, -2))
      if (!one.endsWith('.*')) return one === wanted
      return wanted.startsWith(one.slice(0, -1)) && !wanted.slice(one.length - 1).includes('.')
    }
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 6 }), topic, (patterns, wanted) => {
        expect(createTopicMatcher(patterns)(wanted)).toBe(patterns.some((one) => alone(one, wanted)))
      }),
    )
  })
})

describe('the topic of an event', () => {
  it.each([
    ['track', 'Order Completed', 'track.Order_Completed'],
    ['page', 'Docs.page_view', 'page.Docs.page_view'],
    ['track', '$pageview', 'track._pageview'],
    ['cdc', 'users.INSERT', 'cdc.users.INSERT'],
    ['track', '..a...b..', 'track.a.b'],
    ['track', 'https://x.y/z?q', 'track.https___x.y_z_q'],
    ['track', 'a.b.c.d.e.f.g.h.i.j.k.l', 'track.a.b.c.d.e.f.g.h.i'],
    ['track', '', 'track'],
    ['', '', '_'],
    ['track', '*', 'track._'],
  ])('%s, %s: %s', (type, name, topic) => expect(topicOf(type, name)).toBe(topic))

  it('is one that somebody may subscribe to, whatever its name is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        expect(topicIssue(topicOf('track', name))).toBeUndefined()
      }),
    )
  })
})
