import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readPatch } from '@bzzz/agents'
import { dailyCosts, type ReviewReport, reviewOpened, reviewReport, reviewRequest } from '@bzzz/protocols'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { foundTestMesh, meshFormed, startTestNode, type TestNode } from './nodes.ts'

const change = readPatch('--- /dev/null\n+++ b/count.js\n@@ -0,0 +1 @@\n+export const count = 0\n', {
  repository: 'shop',
})
const PATIENCE = { timeout: 30_000, interval: 50 }
/** A third of it is less than one call may cost, and all of it is more. */
const DAILY_USD = 0.05
const OPTIONS = { flags: { provider: 'offline' } }

let directory: string
let homes: readonly { readonly label: string; readonly directory: string }[]
const nodes: TestNode[] = []

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-grants-'))
  const founded = await foundTestMesh(directory, {
    members: [
      ['walnut', 'architect'],
      ['ironwood', 'reviewer'],
      ['acacia', 'security'],
    ],
    dailyUsd: DAILY_USD,
  })
  homes = founded.members
  for (const home of homes) nodes.push(await startTestNode(home.label, home.directory, OPTIONS))
  await meshFormed({ nodes, close: async () => undefined }, 3)
})

afterAll(async () => {
  await Promise.all(nodes.map(({ node }) => node.close()))
  await rm(directory, { recursive: true, force: true })
})

const [walnut, ironwood, acacia] = [0, 1, 2].map((n) => () => nodes[n] as TestNode) as [
  () => TestNode,
  () => TestNode,
  () => TestNode,
]

async function open(required: string[]): Promise<string> {
  const request = reviewRequest.parse({ change, required })
  return (await walnut().client.post('/api/reviews', request, reviewOpened)).thread
}

function report(thread: string): Promise<ReviewReport> {
  return walnut().client.get('agents', `/api/reviews/${thread}`, reviewReport)
}

test('a review whose calls are each above what their node may spend is paid for through grants', async () => {
  const thread = await open(['architect', 'reviewer', 'security'])
  await expect.poll(async () => (await report(thread)).state, PATIENCE).toBe('approved')
  expect((await report(thread)).costs.by_node).toHaveLength(3)
  const costs = await walnut().client.get('agents', '/api/costs/daily', dailyCosts)
  expect(costs.spent_usd).toBeGreaterThan(0)
  expect(costs.spent_at_most_usd).toBeLessThanOrEqual(DAILY_USD)
})

test('a turn that waits for a node that is away pauses, and goes on by itself when it comes back', async () => {
  await Promise.all([ironwood(), acacia()].map(({ node }) => node.close()))
  const thread = await open(['architect'])
  const seat = async () => (await report(thread)).seats[0]
  await expect
    .poll(seat, PATIENCE)
    .toMatchObject({ state: 'paused', reason: expect.stringMatching(/is left: .* another node gives/) })
  const [, needed] = /may cost \$([\d.]+)/.exec((await seat())?.reason ?? '') ?? []
  expect(Number(needed)).toBeGreaterThan(DAILY_USD / 3)
  for (const n of [1, 2]) {
    const { label, directory: home } = homes[n] as (typeof homes)[number]
    nodes[n] = await startTestNode(label, home, OPTIONS)
  }
  await expect.poll(async () => (await report(thread)).state, PATIENCE).toBe('approved')
})
