import { testLog } from '../log/log.contract.ts'
import { memoryLog } from './memory-log.ts'

testLog('memory', async () => {
  const log = memoryLog({ partitions: 4 })
  const clients = [log]
  return {
    async open() {
      const client = log.another()
      clients.push(client)
      return client
    },
    async close() {
      for (const client of clients) await client.stop()
    },
  }
})
