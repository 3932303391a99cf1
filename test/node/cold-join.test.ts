import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { conversationView, type MessagesAnswer, messagesAnswer, postedAnswer } from '@bzzz/protocols'
import { expect, onTestFinished, test, vi } from 'vitest'
import { foundTestMesh, startTestNode, type TestNode } from './nodes.ts'

const PATIENCE = { timeout: 30_000, interval: 20 }
const MESSAGES = 560

test('a node that was never there takes a long thread over from a snapshot, and goes on with what is written since', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-cold-join-'))
  const started: TestNode[] = []
  onTestFinished(async () => {
    await Promise.all(started.map(({ node }) => node.close()))
    await rm(directory, { recursive: true, force: true })
  })
  const { members } = await foundTestMesh(directory, { members: [['walnut'], ['ironwood']] })
  const start = async (label: string) => {
    const member = members.find((one) => one.label === label)
    const node = await startTestNode(label, member?.directory ?? '', {})
    started.push(node)
    return node
  }
  const walnut = await start('walnut')
  const post = (node: TestNode, path: string, body: object) => node.client.post(path, body, postedAnswer)
  const { thread } = await post(walnut, '/api/conversations', { topic: 'long', from: 'ana' })
  // one after the other: each is a change of its own
  for (let i = 1; i < MESSAGES; i++) {
    await post(walnut, `/api/conversations/${thread}/messages`, { content: `message ${i}` })
  }
  const snapshots = join(walnut.directory, 'cache', 'snapshots')
  await vi.waitFor(async () => {
    expect(await readdir(snapshots)).toEqual([expect.stringContaining(`${thread}.${MESSAGES}.`)])
  }, PATIENCE)
  await post(walnut, `/api/conversations/${thread}/messages`, { content: 'written since' })

  const ironwood = await start('ironwood')
  const shown: string[] = []
  const last = await vi.waitFor(async () => {
    const page = await lastPage(ironwood, thread)
    shown.push(String(page.messages.at(-1)?.verified))
    expect(page.messages.at(-1)).toMatchObject({ content: 'written since', verified: true })
    return page
  }, PATIENCE)
  expect(last.total).toBe(MESSAGES + 1)
  // pending first, if it was seen at all; never the other way round
  expect(shown.lastIndexOf('pending')).toBeLessThan(shown.indexOf('true') + 1)
  expect(last.heads).toEqual((await lastPage(walnut, thread)).heads)
  expect(await metric(ironwood, 'bzzz_mesh_snapshots_taken_total')).toBe(1)
  expect(await metric(walnut, 'bzzz_mesh_repair_served_envelopes_total')).toBeLessThan(MESSAGES / 4)
  await post(ironwood, `/api/conversations/${thread}/messages`, { content: 'thank you' })
  await vi.waitFor(async () => {
    const view = await walnut.client.get('agents', `/api/conversations/${thread}`, conversationView)
    expect(view.messages).toBe(MESSAGES + 2)
  }, PATIENCE)
}, 120_000)

async function lastPage({ client }: TestNode, thread: string): Promise<MessagesAnswer> {
  const path = `/api/conversations/${thread}/messages`
  const first = await client.get('agents', path, messagesAnswer)
  return first.next === null ? first : await client.get('agents', `${path}?after=${first.next}`, messagesAnswer)
}

async function metric({ node }: TestNode, name: string): Promise<number> {
  const text = await (await fetch(`${node.urls.node}/metrics`)).text()
  const line = text.split('\n').find((one) => one.startsWith(name) && !one.startsWith('#'))
  return Number(line?.split(' ').at(-1) ?? 0)
}
