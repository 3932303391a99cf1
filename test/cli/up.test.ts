import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { bzzz } from './bzzz.ts'
import { type Job, startJob } from './node-process.ts'

const ANY_PORT = ['--http-port', '0', '--mcp-port', '0', '--p2p-port', '0']
const PATCH = `diff --git a/cart.js b/cart.js
--- a/cart.js
+++ b/cart.js
@@ -1 +1,2 @@
 export const total = 0
+export const count = 0
`

let directory: string
/** A mesh of one. */
let alone: string
/** One of two, whose other is never started. */
let halved: string
const jobs: Job[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-up-'))
  alone = join(directory, 'alone')
  halved = join(directory, 'lab', 'walnut')
  const founded = await Promise.all([
    bzzz(['init', '--data-dir', alone]),
    bzzz(['init', '--data-dir', join(directory, 'lab'), '--members', 'walnut,ironwood']),
  ])
  expect(founded.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
    { code: 0, stderr: '' },
    { code: 0, stderr: '' },
  ])
})

afterEach(async () => {
  const running = jobs.splice(0)
  for (const job of running) job.kill()
  await Promise.all(running.map(({ ended }) => ended))
})

afterAll(() => rm(directory, { recursive: true, force: true }))

interface Up {
  readonly job: Job
  readonly pid: number
  readonly node_url: string
  readonly peer_id: string
}

async function up(dataDir = alone): Promise<Up> {
  const job = startJob(['up', '--json', '--data-dir', dataDir, ...ANY_PORT])
  jobs.push(job)
  return { job, ...JSON.parse(await job.line()) }
}

test('a node that is told to stop ends with 0, and starts again as the same peer', async () => {
  const first = await up()
  expect(await bzzz(['status', '--data-dir', alone])).toMatchObject({ code: 0, stderr: '' })
  first.job.signal('SIGTERM')
  expect(await first.job.ended).toMatchObject({ code: 0 })
  expect(await readdir(alone)).not.toContain('running.json')

  const second = await up()
  expect(second.peer_id).toBe(first.peer_id)
})

test('Ctrl-C reaches all processes of a terminal at once, and still stops the node in order', async () => {
  const { job } = await up()
  job.ctrlC()
  expect(await job.ended).toMatchObject({ code: 0 })
  expect(await readdir(alone)).not.toContain('running.json')
})

test('a node whose launcher is gone without a word stops in order', async () => {
  const main = fileURLToPath(new URL('../../node/src/main.ts', import.meta.url))
  const args = ['up', '--json', '--data-dir', alone, ...ANY_PORT]
  const child = fork(main, args, { execArgv: ['--conditions=bzzz-src'], silent: true })
  const ended = once(child, 'exit')
  await once(child.stdout as Readable, 'data')
  child.disconnect()
  expect(await ended).toEqual([0, null])
  expect(await readdir(alone)).not.toContain('running.json')
})

test('members on one machine by their addresses get ports of their own', async () => {
  const places = ['walnut', 'ironwood'].map((name, i) => `${name}=/ip4/127.0.0.1/tcp/${4101 + i}`)
  const lab = join(directory, 'addressed')
  expect(await bzzz(['init', '--data-dir', lab, '--members', places.join(',')])).toMatchObject({ code: 0 })
  const settings = ['walnut', 'ironwood'].map((name) => readFile(join(lab, name, 'bzzz.json'), 'utf8'))
  const [walnut, ironwood] = (await Promise.all(settings)).map((text) => JSON.parse(text))
  expect(walnut).toMatchObject({ p2p_host: '127.0.0.1', p2p_port: 4101 })
  expect(ironwood).toMatchObject({ p2p_port: 4102, http_port: 8090, mcp_port: 8091 })
})

test('a node that was killed is known to be gone, and starts again over what it left', async () => {
  const first = await up()
  process.kill(first.pid, 'SIGKILL')
  await first.job.ended
  expect(await readdir(alone)).toContain('running.json')
  expect(await bzzz(['status', '--data-dir', alone])).toMatchObject({
    code: 69,
    stderr: `bzzz: no node is running on ${alone}; start it with "bzzz up --data-dir ${alone}"\n`,
  })
  expect((await up()).peer_id).toBe(first.peer_id)
})

test('a second process on a data directory is refused, and told which the first one is', async () => {
  const { pid, node_url } = await up()
  expect(await bzzz(['up', '--data-dir', alone, ...ANY_PORT])).toEqual({
    code: 69,
    stdout: '',
    stderr: `bzzz: ${alone} is in use by process ${pid} (${node_url}); stop it first, or name another --data-dir\n`,
  })
})

test('a review with --local beside a node that is not to be found is refused likewise, whatever became of its file', async () => {
  await up()
  await writeFile(join(directory, 'count.patch'), PATCH)
  const path = join(alone, 'running.json')
  const kept = await readFile(path)
  for (const damage of [() => rm(path), () => writeFile(path, '{"pid": 1')]) {
    await damage()
    const stderr = `bzzz: ${alone} is in use by another process; stop it first, or name another --data-dir\n`
    for (const args of [
      ['up', ...ANY_PORT],
      ['review', 'count.patch', '--local'],
    ])
      expect(await bzzz([...args, '--data-dir', alone], { cwd: directory })).toEqual({ code: 69, stdout: '', stderr })
  }
  await writeFile(path, kept)
})

test.each([
  ['http', 'http_port'],
  ['mcp', 'mcp_port'],
  ['p2p', 'p2p_port'],
])('when the %s port is taken, the node says which port and setting', async (name, setting) => {
  const taken = await listener()
  const { port } = taken.address() as { port: number }
  const quiet = ['--log-level', 'error']
  const { code, stdout, stderr } = await bzzz([
    ...['up', '--data-dir', alone, ...ANY_PORT, ...quiet, `--${name}-port`, String(port)],
  ])
  taken.close()
  expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
  const [line, ...more] = stderr.trim().split('\n')
  expect(line).toMatch(
    new RegExp(`^bzzz: port ${port} .*is in use by another program \\(${setting}, from --${name}-port\\)`),
  )
  expect(more).toEqual([])
})

async function listener(): Promise<Server> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

test('the status of a node that reaches nobody says so, and ends with 69', async () => {
  await up(halved)
  const { code, stdout, stderr } = await bzzz(['status', '--data-dir', halved])
  expect({ code, stderr }).toEqual({ code: 69, stderr: '' })
  expect(stdout).toContain('walnut of bzzz: degraded (isolated: no peer is reached)')
  expect(stdout).toContain('peers     0 of 1 online')
})

test('Ctrl-C on a review ends the command, not the review', async () => {
  await up()
  await writeFile(join(directory, 'count.patch'), PATCH)
  const args = ['--data-dir', alone, '--budget', '0.018', '--wait', '1h']
  const review = startJob(['review', 'count.patch', ...args], { cwd: directory })
  jobs.push(review)
  const thread = /thread (\S+):/.exec(await review.line((line) => line.startsWith('thread ')))?.[1]
  await review.line((line) => line.includes('paused'))
  review.ctrlC()
  expect(await review.ended).toEqual({
    code: 130,
    stderr: `the review goes on without this command; see it with "bzzz thread follow ${thread}"\n`,
  })
  const { stdout } = await bzzz(['thread', 'show', String(thread), '--json', '--data-dir', alone])
  expect(JSON.parse(stdout)).toMatchObject({ id: thread, state: 'active' })
})
