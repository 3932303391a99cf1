import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  conversationView,
  dailyCosts,
  inviteMade,
  invitesAnswer,
  messagesAnswer,
  nodeHealth,
  peersAnswer,
  postedAnswer,
  reviewOpened,
  reviewReport,
  reviewRequest,
} from '@bzzz/protocols'
import type { FoundedMesh } from 'bzzz'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { startJob } from '../cli/node-process.ts'
import { smallChange } from '../review/small-change.ts'
import { foundTestMesh, startTestNode, type TestNode } from './nodes.ts'

const PATIENCE = { timeout: 30_000, interval: 50 }
const AGENTS = [
  ['walnut', 'architect'],
  ['ironwood', 'reviewer'],
  ['acacia', 'security'],
] as const

const PATCH = `diff --git a/cart.js b/cart.js
--- a/cart.js
+++ b/cart.js
@@ -1 +1,2 @@
 export const total = 0
+export const count = 0
`

let directory: string
let founded: FoundedMesh
const running = new Map<string, TestNode>()
let laptopDirectory: string
let token: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-laptop-'))
  founded = await foundTestMesh(directory, { members: AGENTS })
  laptopDirectory = join(directory, 'laptop')
  // acacia is away while the laptop joins
  await Promise.all(['walnut', 'ironwood'].map(start))
})

afterAll(async () => {
  await Promise.all([...running.keys()].map(stop))
  await rm(directory, { recursive: true, force: true })
})

async function start(label: string): Promise<TestNode> {
  const member = founded.members.find((each) => each.label === label)
  const node = await startTestNode(label, member?.directory ?? laptopDirectory, {})
  running.set(label, node)
  return node
}

async function stop(label: string): Promise<void> {
  const node = running.get(label)
  running.delete(label)
  await node?.node.close()
}

function nodeOf(label: string): TestNode {
  const node = running.get(label)
  if (node === undefined) throw new Error(`${label} is off`)
  return node
}

async function invite(order: object = {}): Promise<string> {
  const made = await nodeOf('walnut').client.post('/api/invites', { role: 'laptop', ...order }, inviteMade)
  return made.token
}

const peersAt = (label: string) => nodeOf(label).client.get('node', '/api/peers', peersAnswer)
const seesAna = async (label: string) => (await peersAt(label)).peers.find(({ node_id }) => node_id === 'ana')
const headsAt = async (label: string, thread: string) =>
  (await nodeOf(label).client.get('agents', `/api/conversations/${thread}`, conversationView)).heads
const messagesAt = async (label: string, thread: string) =>
  (await nodeOf(label).client.get('agents', `/api/conversations/${thread}/messages`, messagesAnswer)).messages

async function equalHeads(thread: string): Promise<void> {
  const all = () => Promise.all([...running.keys()].map((label) => headsAt(label, thread).catch(() => [])))
  await expect.poll(async () => new Set((await all()).map((heads) => heads.join())).size, PATIENCE).toBe(1)
}

async function post(label: string, thread: string, content: string): Promise<void> {
  await nodeOf(label).client.post(`/api/conversations/${thread}/messages`, { content, from: label }, postedAnswer)
}

describe('a laptop', () => {
  test('joins by an invitation, once, and every node knows it within a second', async () => {
    token = await invite({ label: 'ana' })
    const joined = await bzzz(['laptop', 'join', '-', '--data-dir', laptopDirectory, '--json'], { stdin: token })
    expect(joined).toMatchObject({ code: 0, stderr: '' })
    const joinedMs = performance.now()
    expect(JSON.parse(joined.stdout)).toMatchObject({ label: 'ana', network: 'test', manifest_version: 2 })
    for (const label of ['walnut', 'ironwood']) {
      await expect.poll(() => seesAna(label), PATIENCE).toMatchObject({ role: 'laptop' })
      expect((await peersAt(label)).manifest_version).toBe(2)
    }
    expect(performance.now() - joinedMs).toBeLessThan(1_000)

    const second = await bzzz(['laptop', 'join', token, '--data-dir', join(directory, 'other'), '--json'])
    expect(second.code).toBe(77)
    expect(JSON.parse(second.stdout).error).toMatchObject({ code: 'JOIN_USED' })
    await expect(readFile(join(directory, 'other', 'node.key'))).rejects.toMatchObject({ code: 'ENOENT' })
    const again = await bzzz(['laptop', 'join', token, '--data-dir', laptopDirectory, '--json'])
    const startIt = expect.stringContaining(`start it with "bzzz laptop up --data-dir ${laptopDirectory}"`)
    expect(JSON.parse(again.stdout).error).toMatchObject({ code: 'ALREADY_INITIALISED', message: startIt })
    expect(await bzzz(['status', '--data-dir', laptopDirectory])).toMatchObject({ code: 69, stderr: startIt })
    expect(`${joined.stdout}${second.stdout}${second.stderr}${again.stderr}`).not.toContain(token)
  })

  test('is known to a node that was away meanwhile from any other, and is no fault while it is off itself', async () => {
    const health = () => nodeOf('acacia').client.get('node', '/health', nodeHealth)
    const allNodes = { status: 'ok', peers: { online: 2, total: 2 } }
    await start('acacia')
    await expect.poll(() => seesAna('acacia'), PATIENCE).toMatchObject({ role: 'laptop' })
    await expect.poll(health, PATIENCE).toMatchObject(allNodes)
    await Promise.all(['acacia', 'walnut'].map(stop))
    await start('acacia')
    expect((await peersAt('acacia')).manifest_version).toBe(2)
    await start('walnut')
    await expect.poll(health, PATIENCE).toMatchObject(allNodes)
  })

  test('writes while it is off, as the nodes do, and all of it is merged when it returns', async () => {
    const opening = { topic: 'the cart', content: 'shall we?', from: 'walnut' }
    const { thread } = await nodeOf('walnut').client.post('/api/conversations', opening, postedAnswer)
    await start('ana')
    await expect.poll(() => messagesAt('ana', thread).catch(() => []), PATIENCE).toHaveLength(1)

    await Promise.all(AGENTS.map(([label]) => stop(label)))
    for (const n of [1, 2, 3]) await post('ana', thread, `on the train ${n}`)
    const at = (args: string[], stdin = '') => bzzz([...args, '--data-dir', laptopDirectory], { stdin })
    const status = async () => (await at(['status'])).stdout
    await expect.poll(status, PATIENCE).toMatch(/^ana of test: ok \(offline: .*^ {2}budget +none \(a laptop\)$/ms)
    expect((await at(['status'])).code).toBe(0)
    expect((await at(['budget', 'show'])).stdout).toMatch(/\(UTC\), this node: none \(a laptop\)/)
    const review = await at(['review', '-', '--json'], PATCH)
    expect(JSON.parse(review.stdout).error).toMatchObject({ code: 'ROLES_MISSING', exit_code: 69 })
    await stop('ana')
    await Promise.all(AGENTS.map(([label]) => start(label)))
    await post('walnut', thread, 'at the desk')
    await post('acacia', thread, 'in the rack')
    await start('ana')
    await equalHeads(thread)

    const messages = await messagesAt('ironwood', thread)
    expect(messages.map(({ content }) => content).sort()).toEqual(
      ['at the desk', 'in the rack', 'on the train 1', 'on the train 2', 'on the train 3', 'shall we?'].sort(),
    )
    const { peer } = nodeOf('ana').node
    const own = messages.filter(({ node }) => node === 'ana')
    expect(own).toHaveLength(3)
    for (const entry of own) expect(entry).toMatchObject({ author: `human:ana@${peer}`, verified: true })
    const places = async () => (await messagesAt('ana', thread)).map(({ on_nodes }) => on_nodes.toSorted().join())
    await expect.poll(async () => new Set(await places()), PATIENCE).toEqual(new Set(['acacia,ana,ironwood,walnut']))
  })

  test('opens a review that goes on without it, and votes as a person when it is back', async () => {
    const ana = nodeOf('ana')
    const live = async () =>
      (await peersAt('ana')).peers.filter(({ roles, state }) => state === 'online' && roles.length > 0)
    await expect.poll(live, PATIENCE).toHaveLength(3)
    const request = reviewRequest.parse({ change: smallChange(), required: ['architect', 'reviewer', 'security'] })
    const { thread } = await ana.client.post('/api/reviews', request, reviewOpened)
    const typesAt = async (label: string) => (await messagesAt(label, thread).catch(() => [])).map(({ type }) => type)
    // each seat has read the change, which only the laptop had
    await expect
      .poll(async () => (await typesAt('walnut')).filter((type) => type === 'finding'), PATIENCE)
      .toHaveLength(3)
    await stop('ana')
    const report = () => nodeOf('walnut').client.get('agents', `/api/reviews/${thread}`, reviewReport)
    await expect.poll(async () => (await report()).state, PATIENCE).toBe('changes_requested')

    await start('ana')
    await expect.poll(() => typesAt('ana'), PATIENCE).toContain('verdict')
    const voted = await bzzz([
      'vote',
      thread,
      'approve',
      '--comment',
      'it is a demo',
      '--as',
      'ana',
      '--data-dir',
      laptopDirectory,
    ])
    expect(voted).toMatchObject({ code: 0, stdout: expect.stringMatching(/voted approve on round 1/) })
    await expect
      .poll(async () => (await report()).people, PATIENCE)
      .toMatchObject([{ node: 'ana', choice: 'approve', content: 'it is a demo', counts: false }])
    expect((await report()).state).toBe('changes_requested')
    await stop('ana')
    const withAgents = await bzzz(['up', '--data-dir', laptopDirectory, '--agents', 'architect'])
    expect(withAgents).toMatchObject({
      code: 78,
      stderr: expect.stringMatching(/a laptop of the mesh, on which none run/),
    })
  })

  test('shows what the mesh spent today, of which nodes it has figures, and spends nothing itself', async () => {
    await start('ana')
    const daily = () => nodeOf('ana').client.get('agents', '/api/costs/daily', dailyCosts)
    const nodes = async () => (await daily()).by_node.map(({ node_id }) => node_id).sort()
    await expect.poll(nodes, PATIENCE).toEqual(['acacia', 'ironwood', 'walnut'])
    const unsure = async () => {
      const { spent_usd, spent_at_most_usd } = await daily()
      return spent_usd === null || spent_at_most_usd === null ? null : spent_at_most_usd - spent_usd
    }
    // What a node that is not linked yet told before is at least what it spent.
    await expect.poll(unsure, PATIENCE).toBe(0)
    const { spent_usd, limit_usd, unknown_nodes, own } = await daily()
    expect(spent_usd).toBeGreaterThan(0)
    expect({ limit_usd, unknown_nodes, part: own.share_usd }).toEqual({ limit_usd: 10, unknown_nodes: [], part: 0 })
    await stop('ana')
  })

  test('that is killed right after it answered has what it answered for', async () => {
    const run = () => startJob(['laptop', 'up', '--data-dir', laptopDirectory, '--log-level', 'error', '--json'])
    const first = run()
    const { agents_url } = JSON.parse(await first.line())
    const bearer = (await readFile(join(laptopDirectory, 'token'), 'utf8')).trim()
    const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' }
    const body = JSON.stringify({ topic: 'an idea', content: 'before I forget' })
    const answer = await fetch(`${agents_url}/api/conversations`, { method: 'POST', headers, body })
    const { thread } = postedAnswer.parse(await answer.json())
    first.kill()
    await first.ended

    const second = run()
    try {
      await second.line()
      const shown = await bzzz(['thread', 'show', thread, '--json', '--data-dir', laptopDirectory])
      expect(JSON.parse(shown.stdout)).toMatchObject({ topic: 'an idea', entries: [{ content: 'before I forget' }] })
      await expect.poll(() => messagesAt('ironwood', thread).catch(() => []), PATIENCE).toHaveLength(1)
    } finally {
      second.signal('SIGINT')
      expect((await second.ended).code).toBe(0)
    }
  })

  test('that an invitation to was revoked, or never made here, does not come in', async () => {
    const other = join(directory, 'late')
    const late = await nodeOf('walnut').client.post('/api/invites', { role: 'laptop' }, inviteMade)
    const revoked = await bzzz(['invite', '--revoke', late.id, '--data-dir', nodeOf('walnut').directory])
    expect(revoked).toMatchObject({ code: 0, stdout: 'revoked\n' })
    const refused = await bzzz(['laptop', 'join', late.token, '--data-dir', other])
    expect(refused).toMatchObject({ code: 77, stderr: expect.stringMatching(/was revoked: ask for a new one/) })
    const elsewhere = await bzzz(['invite', '--role', 'laptop', '--data-dir', nodeOf('ironwood').directory])
    expect(elsewhere).toMatchObject({ code: 78, stderr: expect.stringMatching(/does not hold the mesh's owner key/) })
    const listed = () => nodeOf('walnut').client.get('agents', '/api/invites', invitesAnswer)
    const before = await listed()
    for (const [out, code] of [
      [join(directory, 'gone', 'a.invite'), 66],
      [join(laptopDirectory, 'node.key'), 64],
    ] as const) {
      const args = ['invite', '--role', 'laptop', '--out', out, '--data-dir', nodeOf('walnut').directory]
      expect(await bzzz(args)).toMatchObject({ code, stdout: '' })
    }
    expect(await listed()).toEqual(before)
    const off = await invite()
    await stop('walnut')
    const unreached = await bzzz(['laptop', 'join', off, '--data-dir', other])
    expect(unreached).toMatchObject({
      code: 69,
      stderr: expect.stringMatching(/nobody listens there.*run this again/s),
    })
    await start('walnut')
    const resumed = await bzzz(['laptop', 'join', off, '--data-dir', other, '--label', 'bo'])
    expect(resumed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^bo is a laptop of test/) })
  })
})
