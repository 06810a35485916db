import { spawn, spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createInstance, eventually, type Instance, isAlive, pause } from '../support/instance.ts'
import { type Answer, post, settled, why } from '../support/pipeline.ts'

const canTrace = process.platform === 'linux' && spawnSync('strace', ['-o', '/dev/null', 'true']).status === 0
if (!canTrace)
  process.stderr.write('SKIPPED a failing disk: strace is missing or may not trace: apt-get install -y strace\n')

describe.skipIf(!canTrace)('a disk that fails under the log', () => {
  let instance: Instance
  beforeAll(async () => {
    instance = createInstance()
    await instance.start()
  })
  afterAll(() => instance.dispose())

  /** Sends one event while the `when`-th write of each of the collector's threads fails. */
  async function sendWhileFailing(id: string, when: number): Promise<Response | undefined> {
    const args = [
      '-f',
      '-qq',
      '-o',
      '/dev/null',
      '-e',
      'trace=pwrite64',
      '-e',
      `inject=pwrite64:error=EIO:when=${when}`,
    ]
    const strace = spawn('strace', [...args, '-p', String(instance.pid('collector'))], { stdio: 'ignore' })
    const detached = new Promise((resolve) => strace.once('exit', resolve))
    await pause(300) // until it is attached
    try {
      return await send(id)
    } finally {
      await pause(100) // the process may just be ending
      strace.kill('SIGINT')
      await detached
    }
  }

  async function send(id: string): Promise<Response | undefined> {
    const body = JSON.stringify({ id, event_name: 'disk', actor_id: 'a' })
    return await post(`${instance.ready().collector}/v1/events`, body).catch(() => undefined)
  }

  it('gets no 2xx for what may not be there; the collector is started again and goes on, nothing is lost or twice', async () => {
    const before = instance.pid('collector')
    const acked: string[] = []
    for (let when = 1; when <= 6 && instance.pid('collector') === before && isAlive(before); when++) {
      const id = `disk-${when}`
      const response = await sendWhileFailing(id, when)
      if (response?.status === 200) acked.push(id)
      else if (response !== undefined) expect(response.status).toBe(503)
      await pause(200)
    }
    await eventually(() => {
      const now = instance.pid('collector')
      return now !== before && isAlive(now) ? true : undefined
    })
    expect(instance.log()).toContain('collector ends, to be started again')
    for (let when = 1; when <= 6; when++) {
      const answer = await eventually(async () => {
        const response = await send(`disk-${when}`)
        return response?.status === 200 ? ((await response.json()) as Answer) : undefined
      })
      expect(answer.stored + answer.duplicate).toBe(1)
      if (acked.includes(`disk-${when}`)) expect(answer.duplicate).toBe(1)
    }
    const view = await settled(instance.ready().api)
    expect(view.sums.stored).toBe(6)
    expect((await why(instance.ready().api, 'disk-1')).outcome).toBe('stored')
  })
})
