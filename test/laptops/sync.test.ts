import { revokedSyncToken, syncTokensAnswer } from '@bzzz/protocols'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestMesh, type TestMesh, type TestNode } from '../node/nodes.ts'
import { tokenOf } from './laptop.ts'
import { laptopWith, messagesOn, newThread, nodeShows, post } from './place.ts'
import { upgradeStatus } from './rogue.ts'

let mesh: TestMesh
let node: TestNode
let other: TestNode

beforeAll(async () => {
  mesh = await openTestMesh({ members: [['walnut'], ['acacia']] })
  ;[node, other] = mesh.nodes as [TestNode, TestNode]
})
afterAll(() => mesh.close())

describe('a stock automerge-repo client', () => {
  test('opens a thread, sees what is written on any node, and writes what every node shows as its own', async () => {
    const { thread, url } = await newThread(node)
    const { laptop, info } = await laptopWith(node)
    await laptop.tell({ do: 'open', url })
    await laptop.shows('the beginning')
    await post(node, thread, 'from the node')
    await laptop.shows('the beginning', 'from the node')
    await laptop.tell({ do: 'append', entry: { content: 'from the laptop' } })
    for (const each of mesh.nodes) await nodeShows(each, thread, 'the beginning', 'from the node', 'from the laptop')
    const said = (await messagesOn(other, thread)).find(({ laptop }) => laptop)
    expect(said).toMatchObject({ author: info.author, node: 'walnut', verified: true, type: 'message' })
  })

  test('merges what was written on both sides while it was away', async () => {
    const { thread, url } = await newThread(node)
    const { laptop } = await laptopWith(node)
    await laptop.tell({ do: 'open', url })
    await laptop.shows('the beginning')
    await laptop.tell({ do: 'disconnect' })
    const train = Array.from({ length: 20 }, (_, i) => `on the train, ${i}`)
    for (const content of train) await laptop.tell({ do: 'append', entry: { type: 'x-sketch', content, strokes: [1] } })
    await post(node, thread, 'at home')
    await post(other, thread, 'elsewhere')
    const all = ['the beginning', ...train, 'at home', 'elsewhere']
    await laptop.tell({ do: 'connect' })
    await laptop.shows(...all)
    for (const each of mesh.nodes) await nodeShows(each, thread, ...all)
  })

  test('shows at one laptop what was written on another', async () => {
    const { url } = await newThread(node)
    const [{ laptop: first }, { laptop: second }] = [await laptopWith(node), await laptopWith(node, { name: 'bob' })]
    for (const laptop of [first, second]) await laptop.tell({ do: 'open', url })
    await first.shows('the beginning')
    await second.shows('the beginning')
    await first.tell({ do: 'append', entry: { content: 'by alice' } })
    await second.tell({ do: 'append', entry: { content: 'by bob' } })
    for (const laptop of [first, second]) await laptop.shows('the beginning', 'by alice', 'by bob')
  })

  test('is told that a document is not there when it is unknown, or none of its token', async () => {
    const { laptop } = await laptopWith(node, { projects: ['garden'] })
    await laptop.tell({ do: 'open', url: (await newThread(node)).url })
    await laptop.unavailable()
    const { url } = await newThread(node, 'in the garden', 'garden')
    await laptop.tell({ do: 'open', url })
    await laptop.shows('in the garden')
    const { laptop: second } = await laptopWith(node)
    await second.tell({ do: 'open', url: 'automerge:2KXPyN9mA2LMMAbaC6uV8c7CoSi' })
    await second.unavailable()
  })

  test.each([
    ['past appendEntry', { do: 'scribble', text: 'a draft' }, {}, 'NOT_APPENDED'],
    ["in somebody else's page", { do: 'trespass', text: 'a draft' }, {}, 'NOT_AN_APPEND'],
    [
      'with a token that may only read',
      { do: 'append', entry: { content: 'a draft' } },
      { read_only: true },
      'READ_ONLY',
    ],
    ['as an agent', { do: 'append', entry: { type: 'finding', content: 'a draft' } }, {}, 'ENTRY_INVALID'],
  ] as const)('gets an edit back that it made %s, with its words, and begins anew', async (_, edit, wanted, code) => {
    const { thread, url } = await newThread(node)
    const { laptop } = await laptopWith(node, wanted)
    await laptop.tell({ do: 'open', url })
    await laptop.shows('the beginning')
    await laptop.tell(edit)
    const notice = await laptop.notice()
    expect(notice).toMatchObject({ type: 'refused', code, texts: [expect.stringContaining('a draft')] })
    await post(node, thread, 'afterwards')
    await laptop.tell({ do: 'renew' })
    await laptop.shows('the beginning', 'afterwards')
    await post(node, thread, 'and live')
    await laptop.shows('the beginning', 'afterwards', 'and live')
    await nodeShows(node, thread, 'the beginning', 'afterwards', 'and live')
  })
})

describe('a token', () => {
  const upgrade = (token: string) => upgradeStatus(`${node.client.running.agents_url}/sync?token=${token}`)

  test('is asked for at the upgrade: without one, a wrong or a revoked one nobody gets in', async () => {
    expect(await upgrade('')).toBe(401)
    expect(await upgrade('bzl_nobodys')).toBe(401)
    expect(await upgrade(node.node.token)).toBe(401)
    const { created } = await tokenOf(node)
    expect(await upgrade(created.token)).toBe(101)
    const page = { origin: 'https://notes.example' }
    expect(await upgradeStatus(created.sync_url, page)).toBe(101)
    expect(await upgradeStatus(created.sync_url, { host: 'notes.example' })).toBe(403)
    const header = { authorization: `Bearer ${created.token}` }
    expect(await upgradeStatus(`${node.client.running.agents_url}/sync`, header)).toBe(101)
    await node.client.post(`/api/sync-tokens/${created.id}/revoke`, {}, revokedSyncToken)
    expect(await upgrade(created.token)).toBe(401)
  })

  test('may be shown by a page from anywhere, which can read why it is refused', async () => {
    const url = new URL('/sync/info', node.client.running.agents_url)
    const origin = 'https://notes.example'
    const asked = { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' }
    const preflight = await fetch(url, { method: 'OPTIONS', headers: asked })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toBe('authorization')
    expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
    const { created } = await tokenOf(node)
    for (const [token, status] of [
      [created.token, 200],
      ['bzl_nobodys', 401],
    ] as const) {
      const answer = await fetch(url, { headers: { origin, authorization: `Bearer ${token}` } })
      expect(answer.status).toBe(status)
      expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    }
    const post = { method: 'POST', headers: { origin, authorization: `Bearer ${created.token}` } }
    expect((await fetch(new URL('/api/sync-tokens', url), post)).status).toBe(403)
  })

  test('that is revoked ends its connections at once, and its edits', async () => {
    const { thread, url } = await newThread(node)
    const { laptop, created } = await laptopWith(node)
    await laptop.tell({ do: 'open', url })
    await laptop.shows('the beginning')
    await node.client.post(`/api/sync-tokens/${created.id}/revoke`, {}, revokedSyncToken)
    await laptop.disconnected()
    await laptop.tell({ do: 'append', entry: { content: 'too late' } })
    await nodeShows(node, thread, 'the beginning')
    const { tokens } = await node.client.get('agents', '/api/sync-tokens', syncTokensAnswer)
    expect(tokens.map(({ id }) => id)).not.toContain(created.id)
  })

  test('is known to the node by its hash alone', async () => {
    const { created } = await tokenOf(node)
    const listed = await node.client.get('agents', '/api/sync-tokens', syncTokensAnswer)
    expect(JSON.stringify(listed)).not.toContain(created.token)
  })
})
