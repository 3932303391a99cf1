import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  conversationsAnswer,
  type EntryView,
  type EventData,
  entryView,
  messagesAnswer,
  reviewOpened,
  reviewReport,
  reviewRequest,
  tokensEvent,
} from '@bzzz/protocols'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startJob } from '../cli/node-process.ts'
import { openHouse } from '../review/house.ts'
import { type ModelServer, startModelServer } from '../review/model-server.ts'
import { quotes, smallChange } from '../review/small-change.ts'
import type { TestMesh, TestNode } from './nodes.ts'

const change = smallChange()
const PATIENCE = { timeout: 30_000, interval: 100 }

let directory: string
let server: ModelServer
let mesh: TestMesh
let walnut: TestNode
let ironwood: TestNode

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-tokens-'))
  // a reply of some 200 characters takes a second and a half
  server = await startModelServer(quotes, { chunkSize: 8, latency: 60 })
  mesh = await openHouse(directory, server)
  ;[walnut, ironwood] = mesh.nodes as [TestNode, TestNode, TestNode]
})

afterAll(async () => {
  await mesh?.close()
  await server?.stop()
  await rm(directory, { recursive: true, force: true })
})

type Seen = { readonly entry: EntryView } | { readonly tokens: EventData<'tokens'> }

/** Entries and text of one thread in the order in which a client of the node sees them. */
async function follow({ client }: TestNode, thread: string): Promise<{ seen: Seen[]; leave: () => Promise<void> }> {
  const leaving = new AbortController()
  const events = await client.events(`/api/events?thread=${thread}`, { signal: leaving.signal })
  const seen: Seen[] = []
  async function read(): Promise<void> {
    for await (const { event, data } of events) {
      if (event === 'entry') seen.push({ entry: entryView.parse(JSON.parse(data)) })
      if (event === 'tokens') seen.push({ tokens: tokensEvent.parse(JSON.parse(data)) })
    }
  }
  const reading = read().catch((error) => (leaving.signal.aborted ? undefined : Promise.reject(error)))
  const leave = () => {
    leaving.abort()
    return reading
  }
  return { seen, leave }
}

/** Opens a review by the one seat that lives on acacia; its first reply waits until `answer` is called. */
async function openHeld(): Promise<{ thread: string; answer: () => void }> {
  const { asked, answer } = server.hold()
  const request = reviewRequest.parse({ change, required: ['security'] })
  const { thread } = await walnut.client.post('/api/reviews', request, reviewOpened)
  await asked
  return { thread, answer }
}

async function decided(thread: string): Promise<void> {
  const state = async () => (await walnut.client.get('agents', `/api/reviews/${thread}`, reviewReport)).state
  await expect.poll(state, PATIENCE).not.toBe('running')
}

function messagesAt({ client }: TestNode, thread: string) {
  return client.get('agents', `/api/conversations/${thread}/messages`, messagesAnswer)
}

test('who follows on another node sees the text of a call before its entry, and only the entry is kept', async () => {
  const { thread, answer } = await openHeld()
  const { seen, leave } = await follow(ironwood, thread)
  answer()
  await decided(thread)
  await expect.poll(() => seen.some((each) => 'entry' in each && each.entry.type === 'verdict'), PATIENCE).toBe(true)
  await leave()

  const first = seen.findIndex((each) => 'tokens' in each)
  const finding = seen.findIndex((each) => 'entry' in each && each.entry.type === 'finding')
  expect(first).toBeGreaterThanOrEqual(0)
  expect(first).toBeLessThan(finding)
  const texts = seen.flatMap((each) => ('tokens' in each ? [each.tokens] : []))
  expect(texts[0]).toMatchObject({ thread, node: 'acacia', phase: 'findings', round: 1 })
  expect(texts[0]?.agent).toMatch(/^security@12D3KooW/)
  const read = texts.filter(({ phase }) => phase === 'findings')
  expect(read.map(({ text }) => text).join('')).toMatch(/read the change|code-injection/)
  expect(read.length).toBeLessThanOrEqual(20)
  for (const [n, { offset, text }] of read.entries()) {
    const next = read[n + 1]
    if (next !== undefined) expect(next.offset).toBeGreaterThanOrEqual(offset + text.length)
  }

  for (const node of mesh.nodes) {
    await expect
      .poll(async () => (await messagesAt(node, thread)).messages.map(({ type }) => type), PATIENCE)
      .toContain('verdict')
    const { messages } = await messagesAt(node, thread)
    const types = messages.map(({ type }) => type)
    expect(types.filter((type) => type === 'finding')).toHaveLength(1)
    expect(types).not.toContain('tokens')
  }
})

test('the command line prints the text as it comes when it is asked to, and nothing of it otherwise', async () => {
  const { thread, answer } = await openHeld()
  const follower = ['thread', 'follow', thread, '--data-dir', ironwood.directory]
  const asked = startJob([...follower, '--json', '--tokens'])
  const plain = startJob(follower)
  try {
    // both have read the thread once they print its first entry
    await asked.line((line) => line.includes('"type":"open"'))
    await plain.line((line) => line.includes('open:'))
    answer()
    const line = JSON.parse(await asked.line((each) => each.includes('"type":"tokens"')))
    expect(line).toMatchObject({ type: 'tokens', thread, node: 'acacia', phase: 'findings' })
    expect(await plain.line()).toMatch(/security@acacia finding: 1 critical/)
  } finally {
    asked.signal('SIGINT')
    plain.signal('SIGINT')
    await Promise.all([asked.ended, plain.ended])
  }
  await decided(thread)
})

test('nothing is sent between nodes while nobody follows', async () => {
  const sent = async () => {
    const text = await (await fetch(`${mesh.nodes[2]?.node.urls.node}/metrics`)).text()
    return Number(/^bzzz_mesh_tokens_published_total (\d+)$/m.exec(text)?.[1])
  }
  const { conversations } = await walnut.client.get('agents', '/api/conversations', conversationsAnswer)
  expect(conversations.length).toBe(2)
  const before = await sent()
  expect(before).toBeGreaterThan(0)
  const { thread, answer } = await openHeld()
  answer()
  await decided(thread)
  expect(await sent()).toBe(before)
})
