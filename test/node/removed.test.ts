import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readPatch } from '@bzzz/agents'
import { budgetAnswer, nodeStatus, peersAnswer, reviewOpened, reviewReport, reviewRequest } from '@bzzz/protocols'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { foundTestMesh, keepTestNodes, startTestNode, type TestNode } from './nodes.ts'

const PATIENCE = { timeout: 20_000, interval: 100 }
const { start, stop, stopAll } = keepTestNodes({ flags: { provider: 'offline' } })
let folder: string
let walnut: TestNode
let ironwood: TestNode

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bzzz-removed-'))
  const { members } = await foundTestMesh(folder, {
    members: [
      ['walnut', 'architect'],
      ['ironwood', 'reviewer'],
    ],
  })
  const nodes: TestNode[] = []
  for (const { label, directory } of members) nodes.push(await start(label, directory))
  ;[walnut, ironwood] = nodes as [TestNode, TestNode]
})

afterAll(async () => {
  await stopAll()
  await rm(folder, { recursive: true, force: true })
})

/** Of its own agent alone. */
async function open({ client }: TestNode, name: string): Promise<string> {
  const change = readPatch(`--- /dev/null\n+++ b/${name}.js\n@@ -0,0 +1 @@\n+export const ${name} = 0\n`, {
    repository: 'shop',
  })
  return (await client.post('/api/reviews', reviewRequest.parse({ change, required: ['reviewer'] }), reviewOpened))
    .thread
}

const seatOf = async ({ client }: TestNode, thread: string) =>
  (await client.get('agents', `/api/reviews/${thread}`, reviewReport)).seats.find(({ role }) => role === 'reviewer')
const stateOf = async ({ client }: TestNode) => (await client.get('node', '/api/status', nodeStatus)).budget.state
const peersOf = async ({ client }: TestNode) => (await client.get('node', '/api/peers', peersAnswer)).peers
const spentBy = async ({ client }: TestNode) =>
  (await client.get('agents', '/api/budget', budgetAnswer)).periods.find(({ kind }) => kind === 'day')?.own.spent_usd

test('a machine that was removed while it was off makes no call after it has met one member, and says why', async () => {
  await stop(ironwood)
  const removed = await bzzz(['remove', 'ironwood', '--destroyed', '--yes', '--data-dir', walnut.directory])
  expect(removed).toMatchObject({ code: 0 })
  await stop(walnut)

  ironwood = await start('ironwood', ironwood.directory)
  expect(await stateOf(ironwood)).toBe('ok')
  const first = await open(ironwood, 'first')
  await expect.poll(() => seatOf(ironwood, first), PATIENCE).toMatchObject({ state: 'done' })

  expect(await spentBy(ironwood)).toBeGreaterThan(0)

  walnut = await start('walnut', walnut.directory)
  await expect.poll(() => stateOf(ironwood), PATIENCE).toBe('frozen')
  const spent = await spentBy(ironwood)
  const second = await open(ironwood, 'second')
  const paused = { state: 'paused', reason: expect.stringContaining('has removed this machine') }
  await expect.poll(() => seatOf(ironwood, second), PATIENCE).toMatchObject(paused)
  expect(await spentBy(ironwood)).toBe(spent)
  const shown = await bzzz(['budget', 'show', '--data-dir', ironwood.directory])
  expect(shown.stdout).toContain('has removed this machine')
  expect(await peersOf(ironwood)).toMatchObject([{ node_id: 'walnut', state: 'offline' }])
  expect(await peersOf(walnut)).toEqual([])
})

test('its directory says so when it is started again', async () => {
  await stop(ironwood)
  const again = startTestNode('ironwood', ironwood.directory, {})
  await expect(again).rejects.toMatchObject({ code: 'LEFT_MESH', message: expect.stringContaining('was removed from') })
})
