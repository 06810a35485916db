import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addMember,
  claim,
  emptyGroup,
  type GroupState,
  type Member,
  release,
  removeMembers,
  surplus,
} from './group-state.ts'

const partitionsOf = () => 5
const member = (n: number): Member => ({ id: `m${n}`, instance: 'i', pid: 1, topics: ['events', 'outcomes'] })

describe('the state of a group', () => {
  it('never gives a partition to a second owner before the first let go, whatever members do', () => {
    const step = fc.record({ who: fc.nat(3), what: fc.constantFrom('join', 'leave', 'claim', 'release') })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let state: GroupState = emptyGroup
        for (const { who, what } of steps) {
          const { id } = member(who)
          const isIn = state.members.some((known) => known.id === id)
          const before = state
          if (what === 'join' && !isIn) state = addMember(state, member(who))
          if (what === 'leave') state = removeMembers(state, (known) => known.id === id)
          if (what === 'claim' && isIn) state = claim(state, id, partitionsOf)
          if (what === 'release' && isIn) state = release(state, id, surplus(state, id, partitionsOf))
          for (const [key, owner] of Object.entries(state.owners)) {
            expect([undefined, owner]).toContain(before.owners[key])
            expect(state.members.map((known) => known.id)).toContain(owner)
          }
        }
      }),
    )
  })

  it('comes to rest with every partition owned, shared evenly, once all have handed over and taken', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(9), { minLength: 1 }), fc.nat(9), (joined, gone) => {
        let state = joined.reduce((now, n) => claim(addMember(now, member(n)), member(n).id, partitionsOf), emptyGroup)
        if (joined.length > 1) state = removeMembers(state, ({ id }) => id === member(gone).id)
        for (const { id } of state.members) state = release(state, id, surplus(state, id, partitionsOf))
        for (const { id } of state.members) state = claim(state, id, partitionsOf)
        expect(Object.keys(state.owners)).toHaveLength(10)
        const shares = state.members.map(({ id }) => Object.values(state.owners).filter((owner) => owner === id).length)
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(2)
      }),
    )
  })
})
