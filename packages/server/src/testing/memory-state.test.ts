import { testState } from '../kv/state.contract.ts'
import { memoryState } from './memory-state.ts'

testState('memory', async () => {
  const state = memoryState()
  return { one: state, other: state, close: async () => {} }
})
