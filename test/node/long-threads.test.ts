import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  archivedAnswer,
  conversationsAnswer,
  conversationView,
  type EntryView,
  type MessagesAnswer,
  messagesAnswer,
  postedAnswer,
  successorId,
  type ThreadId,
} from '@bzzz/protocols'
import type * as room from '@bzzz/threads'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { foundTestMesh, startTestNode, type TestNode } from './nodes.ts'

// Threads go on in another part after ten entries, not ten thousand.
vi.mock('@bzzz/threads', async (original) => {
  const threads = await original<typeof room>()
  const openThreads = (options: room.ThreadsOptions) => threads.openThreads({ ...options, maxPartEntries: 10 })
  return { ...threads, openThreads }
})

/** Ada and bob follow everything, cyd the shop alone. */
const members = [['ada'], ['bob'], ['cyd']] as const
const POSTS = 45
const WAIT = { timeout: 20_000, interval: 50 }
let directory: string
const nodes = new Map<string, TestNode>()

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-long-'))
  const { members: founded } = await foundTestMesh(directory, { members })
  for (const { label, directory: own } of founded) {
    const env: Record<string, string> = label === 'cyd' ? { BZZZ_PROJECTS: 'shop' } : {}
    nodes.set(label, await startTestNode(label, own, { env }))
  }
}, 60_000)
afterAll(async () => {
  await Promise.all([...nodes.values()].map(({ node }) => node.close()))
  await rm(directory, { recursive: true, force: true })
})

function nodeOf(label: string): TestNode {
  const found = nodes.get(label)
  if (found === undefined) throw new Error(`no node ${label}`)
  return found
}

function post(label: string, thread: string, content: string) {
  return nodeOf(label).client.post(`/api/conversations/${thread}/messages`, { content }, postedAnswer)
}

async function entries(label: string, thread: string): Promise<EntryView[]> {
  const all: EntryView[] = []
  for (let after: string | null = ''; after !== null; ) {
    const path: string = `/api/conversations/${thread}/messages?limit=7${after === '' ? '' : `&after=${after}`}`
    const page: MessagesAnswer = await nodeOf(label).client.get('agents', path, messagesAnswer)
    expect(page.id).toBe(thread)
    all.push(...page.messages)
    after = page.next
  }
  return all
}

async function listed(label: string): Promise<string[]> {
  const { conversations } = await nodeOf(label).client.get('agents', '/api/conversations', conversationsAnswer)
  return conversations.map(({ id }) => id)
}

it('a thread that goes on in parts is one conversation on every node, also where it has to be fetched', async () => {
  const opening = { topic: 'A long one', project: 'bank' }
  const { thread } = await nodeOf('ada').client.post('/api/conversations', opening, postedAnswer)
  const said: string[] = []
  await vi.waitFor(async () => expect(await listed('bob')).toEqual([thread]), WAIT)
  for (let i = 0; i < POSTS; i++) {
    const content = `words ${i}`
    await post(i % 2 === 0 ? 'ada' : 'bob', thread, content)
    said.push(content)
  }
  const wordsAt = async (label: string) =>
    (await entries(label, thread)).filter(({ type }) => type === 'message').map(({ content }) => content)
  for (const label of ['ada', 'bob', 'cyd']) {
    await vi.waitFor(async () => expect((await wordsAt(label)).toSorted()).toEqual(said.toSorted()), WAIT)
    expect(await listed(label)).toEqual([thread])
  }
  await vi.waitFor(async () => {
    const views = await Promise.all(
      ['ada', 'bob', 'cyd'].map((label) =>
        nodeOf(label).client.get('agents', `/api/conversations/${thread}`, conversationView),
      ),
    )
    expect(new Set(views.map(({ heads }) => heads.join())).size).toBe(1)
    for (const { on_nodes } of await entries('ada', thread)) expect(on_nodes).toEqual(['ada', 'bob', 'cyd'])
  }, WAIT)

  const part = successorId(thread as ThreadId, 2)
  const shown = await bzzz(['thread', 'show', part, '--json', '--data-dir', nodeOf('bob').directory])
  expect(JSON.parse(shown.stdout)).toMatchObject({ id: thread, topic: 'A long one' })
  expect((await post('cyd', part, 'by the id of a part')).thread).toBe(thread)

  const archived = await nodeOf('bob').client.post(`/api/conversations/${part}/archive`, {}, archivedAnswer)
  expect(archived).toMatchObject({ thread, archived: true })
  await vi.waitFor(async () => expect(await listed('ada')).toEqual([]), WAIT)
}, 60_000)
