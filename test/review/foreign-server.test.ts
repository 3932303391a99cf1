import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  budgetEvent,
  type CostsBreakdown,
  costsBreakdown,
  type DailyCosts,
  dailyCosts,
  messagesAnswer,
  type ReviewReport,
  reviewOpened,
  reviewReport,
  reviewRequest,
} from '@bzzz/protocols'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { TestMesh, TestNode } from '../node/nodes.ts'
import { openHouse, PRICE } from './house.ts'
import { type ModelServer, startModelServer } from './model-server.ts'
import { quotes, smallChange } from './small-change.ts'

const change = smallChange()
const PATIENCE = { timeout: 20_000, interval: 100 }

let directory: string
let server: ModelServer
let mesh: TestMesh

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-foreign-'))
  server = await startModelServer(quotes)
  mesh = await openHouse(directory, server)
})

afterAll(async () => {
  await mesh?.close()
  await server?.stop()
  await rm(directory, { recursive: true, force: true })
})

function node(label: string): TestNode {
  const found = mesh.nodes.find((each) => each.label === label)
  if (found === undefined) throw new RangeError(`no node ${label}`)
  return found
}

async function open(more: Record<string, unknown> = {}): Promise<string> {
  const { thread } = await node('walnut').client.post(
    '/api/reviews',
    reviewRequest.parse({ change, ...more }),
    reviewOpened,
  )
  return thread
}

function reportOf(thread: string, at = node('walnut')): Promise<ReviewReport> {
  return at.client.get('agents', `/api/reviews/${thread}`, reviewReport)
}

async function decided(thread: string): Promise<ReviewReport> {
  await expect.poll(async () => (await reportOf(thread)).state, PATIENCE).not.toBe('running')
  return reportOf(thread)
}

const daily = ({ client }: TestNode): Promise<DailyCosts> => client.get('agents', '/api/costs/daily', dailyCosts)
const ledger = ({ client }: TestNode): Promise<CostsBreakdown> =>
  client.get('agents', '/api/costs/breakdown', costsBreakdown)

/** What the server billed so far, in dollars; whole nano-dollars by the prices above. */
function billedUsd(): number {
  const nano = server.billed.reduce(
    (sum, { input, output }) => sum + input * PRICE.input * 1e3 + output * PRICE.output * 1e3,
    0,
  )
  return nano / 1e9
}

function sum(amounts: readonly number[]): number {
  return Math.round(amounts.reduce((total, amount) => total + amount, 0) * 1e9) / 1e9
}

/** The ledgers of all nodes say what the server says, and every node reads that same sum of the whole mesh. */
async function expectSameBill(): Promise<void> {
  const books = await Promise.all(mesh.nodes.map(ledger))
  const models = books.flatMap(({ by_model }) => by_model)
  expect(sum(models.map(({ calls }) => calls))).toBe(server.requests().length)
  expect(sum(models.map(({ spent_usd }) => spent_usd))).toBe(billedUsd())
  expect(sum(models.map(({ held_usd }) => held_usd))).toBe(0)
  expect(sum(models.map(({ input_tokens }) => input_tokens))).toBe(sum(server.billed.map(({ input }) => input)))
  expect(sum(models.map(({ output_tokens }) => output_tokens))).toBe(sum(server.billed.map(({ output }) => output)))
  for (const each of mesh.nodes)
    await expect
      .poll(async () => {
        const { spent_usd, spent_at_most_usd, unknown_nodes } = await daily(each)
        return { spent_usd, spent_at_most_usd, unknown_nodes }
      }, PATIENCE)
      .toEqual({ spent_usd: billedUsd(), spent_at_most_usd: billedUsd(), unknown_nodes: [] })
}

test('a whole review ends in a verdict that rests on the proven finding alone', async () => {
  const report = await decided(await open())
  expect(report).toMatchObject({ state: 'changes_requested', simulated: false, dissent: [] })
  expect(report.findings).toMatchObject([
    { role: 'security', rule: 'code-injection', verified: true, blocking: true, line: 2, quote: quotes.real },
    { role: 'reviewer', rule: 'no-such-line', verified: false, blocking: false, quote: quotes.invented },
  ])
  expect(report.coverage).toEqual([
    { file: 'price.js', reviewed_by: ['architect', 'reviewer', 'security'], reason: null },
  ])
  expect(report.costs.total_usd).toBe(billedUsd())
})

test('each request was streamed, with its reply bound to the shape of its phase', () => {
  const requests = server.requests()
  expect(new Set(requests.map(({ stream }) => stream))).toEqual(new Set([true]))
  const formats = requests.map(({ format }) => format)
  const phases = ['findings', 'discussion', 'proposal', 'vote'].map((phase) => `review_${phase}`)
  expect(phases.map((phase) => formats.filter((format) => format === phase).length)).toEqual([3, 3, 1, 3])
})

test('the ledgers of all nodes add up to what the server billed, and every node reads that sum', async () => {
  expect(server.billed).toHaveLength(10)
  await expectSameBill()
})

test('a server that is busy once gets a second attempt, under a hold of its own, for the one entry', async () => {
  const before = server.requests().length
  server.refuseOnce()
  const thread = await open({ required: ['security'] })
  expect((await decided(thread)).state).toBe('changes_requested')

  const [refused, again] = server.requests().slice(before)
  expect([refused, again]).toMatchObject([
    { status: 429, format: 'review_findings' },
    { status: 200, format: 'review_findings' },
  ])
  expect(refused?.key).not.toBe(again?.key)
  const { by_thread } = await ledger(node('acacia'))
  expect(by_thread.find(({ name }) => name === thread)?.calls).toBe(server.requests().length - before)
  const { messages } = await node('walnut').client.get(
    'agents',
    `/api/conversations/${thread}/messages`,
    messagesAnswer,
  )
  expect(messages.filter(({ type }) => type === 'finding')).toHaveLength(1)
  await expectSameBill()
})

test('all nodes together never charge more to a review than its cap, and it pauses when the cap is used up', async () => {
  const done = new AbortController()
  const lines = new Map<string, { share: number; charged: number }>()
  const broken: string[] = []
  const watching = await Promise.all(
    mesh.nodes.map(async ({ label, client }) => {
      const events = await client.events('/api/events', { signal: done.signal })
      return async () => {
        for await (const { event, data } of events) {
          if (event !== 'budget') continue
          const line = budgetEvent.parse(JSON.parse(data))
          if (!line.period.startsWith('t:')) continue
          lines.set(label, { share: line.share_usd, charged: sum([line.spent_usd, line.held_usd]) })
          const charged = sum([...lines.values()].map((each) => each.charged))
          if (charged > 0.05) broken.push(`${label}: ${charged}`)
        }
      }
    }),
  )
  const watched = watching.map((watch) =>
    watch().catch((error) => (done.signal.aborted ? undefined : Promise.reject(error))),
  )
  server.bill({ input: 4_000, output: 1_500 })

  const thread = await open({ budget_usd: 0.05 })
  const paused = async () => (await reportOf(thread)).seats.find(({ state }) => state === 'paused')?.reason
  await expect
    .poll(paused, PATIENCE)
    .toMatch(/may cost \$0\.0\d+, and \$0\.0\d+ is left: this node's share of the cap .* is \$0\.0\d+/)
  done.abort()
  await Promise.all(watched)

  expect(broken).toEqual([])
  const books = await Promise.all(mesh.nodes.map(ledger))
  const rows = books.flatMap(({ by_thread }) => by_thread.filter(({ name }) => name === thread))
  const charged = sum(rows.map(({ spent_usd, held_usd }) => spent_usd + held_usd))
  expect(charged).toBeGreaterThan(0.03)
  expect(charged).toBeLessThanOrEqual(0.05)
  expect(sum([...lines.values()].map(({ share }) => share))).toBeLessThanOrEqual(0.05)
  expect(lines.size).toBe(3)
  server.bill({ input: 1_000, output: 100 })
})

test('what a node settles while it closes is in the sum that the others read afterwards', async () => {
  const { asked, answer } = server.hold()
  await open({ required: ['security'] })
  await asked
  const acacia = node('acacia')
  const walnutReads = async () =>
    (await daily(node('walnut'))).by_node.find(({ node_id }) => node_id === 'acacia')?.spent_usd ?? 0
  const before = sum((await ledger(acacia)).by_model.map(({ spent_usd }) => spent_usd))
  const closed = acacia.node.close()
  await expect.poll(walnutReads, PATIENCE).toBeGreaterThan(before)
  await expect
    .poll(
      () =>
        daily(acacia).then(
          () => 'open',
          () => 'closed',
        ),
      PATIENCE,
    )
    .toBe('closed')
  answer()
  await closed
  await expect.poll(walnutReads, PATIENCE).toBe(sum([before, 0.0005, 0.0002]))
})
