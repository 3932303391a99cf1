import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readPatch } from '@bzzz/agents'
import {
  alertsAnswer,
  dailyCosts,
  manifestChanged,
  newLimit,
  type ReviewReport,
  reviewOpened,
  reviewReport,
  reviewRequest,
  whyAnswer,
} from '@bzzz/protocols'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { foundTestMesh, meshFormed, startTestNode, type TestNode } from './nodes.ts'

const change = readPatch('--- /dev/null\n+++ b/count.js\n@@ -0,0 +1 @@\n+export const count = 0\n', {
  repository: 'shop',
})
/** To read it may cost as much as all nodes have in a day. */
const large = readPatch(
  `--- /dev/null\n+++ b/names.js\n@@ -0,0 +1,1000 @@\n${Array.from({ length: 1000 }, (_, n) => `+export const nameOfTheNumber${n} = 'number ${n}'\n`).join('')}`,
  { repository: 'shop' },
)
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
    thresholds: { warning: 0.05, critical: 0.99 },
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

async function open(required: string[], reviewed = change): Promise<string> {
  const request = reviewRequest.parse({ change: reviewed, required })
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

test('what is spent of the day is told to people by one node, and every node knows', async () => {
  const alertsAt = async ({ client }: TestNode) => {
    const { alerts } = await client.get('agents', '/api/budget/alerts', alertsAnswer)
    return alerts.filter(({ period }) => period.startsWith('d:'))
  }
  await expect
    .poll(async () => (await Promise.all(nodes.map(alertsAt))).map(({ length }) => length), PATIENCE)
    .toEqual([1, 1, 1])
  const [own = [], ...others] = await Promise.all(nodes.map(alertsAt))
  expect(own).toMatchObject([{ level: 'warning', limit_usd: DAILY_USD }])
  expect(others).toEqual([own, own])
})

/** Of a review that one seat of walnut is to do alone, once that has paused. */
async function pausedReview(reviewed = change): Promise<string> {
  const thread = await open(['architect'], reviewed)
  const seat = async () => (await report(thread)).seats[0]
  await expect
    .poll(seat, PATIENCE)
    .toMatchObject({ state: 'paused', reason: expect.stringMatching(/is left: .* another node gives/) })
  const [, needed] = /may cost \$([\d.]+)/.exec((await seat())?.reason ?? '') ?? []
  expect(Number(needed)).toBeGreaterThan(DAILY_USD / 3)
  return thread
}

test('a turn that waits for nodes that are away pauses, and goes on by itself when they come back', async () => {
  await Promise.all([ironwood(), acacia()].map(({ node }) => node.close()))
  const thread = await pausedReview()
  const why = await walnut().client.get('agents', `/api/budget/why?about=${thread}`, whyAnswer)
  expect(why).toMatchObject({
    summary: expect.stringMatching(/^architect waits: .*; no node that is reached is known to have so much\.$/),
    waiting: [{ thread, agent: 'architect', needed_usd: expect.any(Number), hopeful: false }],
    paused: [{ thread, phase: 'findings', round: 1 }],
  })
  const [day] = why.periods
  expect(day?.nodes.map(({ node_id, online }) => [node_id, online]).toSorted()).toEqual([
    ['acacia', false],
    ['ironwood', false],
    ['walnut', true],
  ])
  const remedies = why.remedies.map(({ words, command }) => command ?? words)
  expect(remedies).toContainEqual(expect.stringMatching(/^(acacia|ironwood) is away with \$0\.0\d+ of 2/))
  expect(remedies).toContainEqual(expect.stringMatching(/^bzzz budget raise day 0\.0\d$/))
  expect(remedies).toContainEqual(expect.stringMatching(/^the next day begins at /))
  for (const n of [1, 2]) {
    const { label, directory: home } = homes[n] as (typeof homes)[number]
    nodes[n] = await startTestNode(label, home, OPTIONS)
  }
  await expect.poll(async () => (await report(thread)).state, PATIENCE).toBe('approved')
})

test('a turn that waits while the others are away goes on when the limit is raised', async () => {
  await Promise.all([ironwood(), acacia()].map(({ node }) => node.close()))
  const thread = await pausedReview(large)
  for (const [dim, amount_usd] of [
    ['month', 10],
    ['day', 1],
  ] as const) {
    const raised = { dim, direction: 'raise', amount_usd }
    await walnut().client.post('/api/manifest/limits', newLimit.parse(raised), manifestChanged)
  }
  await expect.poll(async () => (await report(thread)).state, PATIENCE).toBe('approved')
})
