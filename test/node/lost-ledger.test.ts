import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { readPatch } from '@bzzz/agents'
import { agentsAnswer, dailyCosts, type ReviewReport, reviewOpened, reviewReport, reviewRequest } from '@bzzz/protocols'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { type Job, startJob } from '../cli/node-process.ts'
import { openTestMesh, type TestMesh, type TestNode } from './nodes.ts'

const change = readPatch('--- /dev/null\n+++ b/count.js\n@@ -0,0 +1 @@\n+export const count = 0\n', {
  repository: 'shop',
})
const PATIENCE = { timeout: 20_000, interval: 100 }

let mesh: TestMesh
let walnut: TestNode
/** Data directory of acacia, which lost its ledger: the `state` folder is gone, the key is not. */
let lost: string
let acacia: Job

beforeAll(async () => {
  mesh = await openTestMesh({
    members: [
      ['walnut', 'architect'],
      ['ironwood', 'reviewer'],
      ['acacia', 'security'],
    ],
    flags: { provider: 'offline' },
  })
  const [first, , last] = mesh.nodes as [TestNode, TestNode, TestNode]
  walnut = first
  lost = last.directory
  await last.node.close()
  await rm(join(lost, 'state'), { recursive: true })
  acacia = startJob(['up', '--data-dir', lost, '--provider', 'offline', '--log-level', 'warn'])
  await acacia.line()
  await vi.waitFor(async () => {
    const { agents } = await walnut.client.get('agents', '/api/agents', agentsAnswer)
    const live = agents.filter(({ status }) => status !== 'offline').map(({ role }) => role)
    if (live.length < 3) throw new Error(`only ${live.join(', ')} are there`)
  }, PATIENCE)
})

afterAll(async () => {
  acacia?.signal('SIGTERM')
  await acacia?.ended
  await mesh?.close()
})

async function open(required: string[]): Promise<string> {
  const request = reviewRequest.parse({ change, required })
  return (await walnut.client.post('/api/reviews', request, reviewOpened)).thread
}

function report(thread: string): Promise<ReviewReport> {
  return walnut.client.get('agents', `/api/reviews/${thread}`, reviewReport)
}

test('a node that lost its ledger starts, and warns in its log that it has no rights of its own', () => {
  const lines = acacia
    .stderr()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(lines).toContainEqual(
    expect.objectContaining({ level: 'warn', msg: expect.stringContaining('names no allotment for this ledger') }),
  )
})

test('its status says that it may spend nothing', async () => {
  const { code, stdout } = await bzzz(['status', '--data-dir', lost])
  expect(code).toBe(0)
  expect(stdout).toMatch(/^ {2}budget +no-rights: today this node may spend \$0\.0000,.* available \$0\.0000$/m)
  expect(stdout).toMatch(/^ {2}acacia works with a new ledger, .*: bzzz budget adopt acacia$/m)
})

test('its seat works at once on what the others give it, and pays for itself', async () => {
  const thread = await open(['architect', 'security'])
  await expect.poll(async () => (await report(thread)).state, PATIENCE).toBe('approved')
  const { by_node } = (await report(thread)).costs
  expect(by_node.map(({ node_id }) => node_id).sort()).toEqual(['acacia', 'walnut'])
})

test('the others go on, by their own rights, and count the lost ledger as unknown or as it was', async () => {
  const thread = await open(['architect', 'reviewer'])
  await expect.poll(async () => (await report(thread)).state, PATIENCE).toBe('approved')
  const costs = await walnut.client.get('agents', '/api/costs/daily', dailyCosts)
  expect(costs.spent_usd).toBeGreaterThan(0)
  expect(costs.spent_at_most_usd).toBeLessThanOrEqual(costs.limit_usd)
})
