import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  conversationsAnswer,
  conversationView,
  type EntryView,
  messagesAnswer,
  postedAnswer,
  reviewOpened,
  reviewReport,
  reviewRequest,
} from '@bzzz/protocols'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { smallChange } from '../review/small-change.ts'
import { foundTestMesh, meshFormed, startTestNode, type TestNode } from './nodes.ts'

/** Ada follows everything, bob and cyd the shop alone. */
const members = [
  ['ada', 'architect'],
  ['bob', 'reviewer'],
  ['cyd', 'security'],
] as const
let directory: string
let directories: Map<string, string>
const nodes = new Map<string, TestNode>()
const change = smallChange('elsewhere')
const shopOnly = { env: { BZZZ_PROJECTS: 'shop' } }
// Three nodes of one process start a linter each.
const RULES_WAIT = { timeout: 60_000, interval: 100 }
const WAIT = { timeout: 20_000, interval: 50 }

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-projects-'))
  const { members: founded } = await foundTestMesh(directory, { members })
  directories = new Map(founded.map((member) => [member.label, member.directory]))
  for (const [label] of members) await start(label)
}, 60_000)
afterAll(async () => {
  await Promise.all([...nodes.values()].map(({ node }) => node.close()))
  await rm(directory, { recursive: true, force: true })
})

async function start(label: string): Promise<void> {
  const options = label === 'ada' ? {} : shopOnly
  nodes.set(label, await startTestNode(label, directories.get(label) ?? '', options))
}

function client(label: string): TestNode['client'] {
  const found = nodes.get(label)
  if (found === undefined) throw new Error(`no node ${label}`)
  return found.client
}

async function open(label: string, project: string, posts: number): Promise<string> {
  const topic = `about the ${project}`
  const { thread } = await client(label).post('/api/conversations', { topic, project }, postedAnswer)
  for (let i = 0; i < posts; i++) await post(label, thread, `post ${i}`)
  return thread
}

function post(label: string, thread: string, content: string) {
  return client(label).post(`/api/conversations/${thread}/messages`, { content }, postedAnswer)
}

async function entries(label: string, thread: string): Promise<EntryView[]> {
  const answer = await client(label).get('agents', `/api/conversations/${thread}/messages`, messagesAnswer)
  return answer.messages
}

/** As it is listed, without asking for it: what is on disk and no more. */
async function onDisk(label: string, thread: string): Promise<number> {
  const { conversations } = await client(label).get('agents', '/api/conversations', conversationsAnswer)
  return conversations.find(({ id }) => id === thread)?.messages ?? 0
}

describe('three nodes, of which two follow one project', () => {
  it('all learn of a thread of another project, and who asks for it gets the whole of it', async () => {
    const thread = await open('ada', 'bank', 3)
    const shop = await open('ada', 'shop', 3)
    await vi.waitFor(async () => {
      for (const label of ['bob', 'cyd']) expect(await onDisk(label, shop)).toBe(4)
      for (const label of ['bob', 'cyd']) expect(await onDisk(label, thread)).toBeGreaterThan(0)
    }, WAIT)
    expect(await onDisk('cyd', thread)).toBe(1)
    const view = await client('bob').get('agents', `/api/conversations/${thread}`, conversationView)
    expect(view).toMatchObject({ project: 'bank', messages: 4 })
    await post('ada', thread, 'one more')
    await vi.waitFor(async () => expect(await onDisk('bob', thread)).toBe(5), WAIT)
    expect(await onDisk('cyd', thread)).toBe(1)
  }, 60_000)

  it('keep up with a thread that they asked for after a restart, without being asked again', async () => {
    const thread = await open('ada', 'bank', 1)
    await vi.waitFor(async () => expect(await entries('bob', thread)).toHaveLength(2), WAIT)
    await nodes.get('bob')?.node.close()
    await post('ada', thread, 'while bob is away')
    await start('bob')
    await vi.waitFor(async () => expect(await onDisk('bob', thread)).toBe(3), WAIT)
  }, 60_000)

  it('post to a thread of another project, and the others get it', async () => {
    const thread = await open('ada', 'bank', 1)
    await vi.waitFor(async () => expect(await onDisk('cyd', thread)).toBe(1), WAIT)
    await post('cyd', thread, 'from afar')
    await vi.waitFor(async () => expect(await onDisk('ada', thread)).toBe(3), WAIT)
    expect(await entries('cyd', thread)).toHaveLength(3)
  }, 60_000)

  it('show on which of them an entry is', async () => {
    const shop = await open('bob', 'shop', 0)
    const bank = await open('ada', 'bank', 1)
    await vi.waitFor(async () => {
      for (const label of ['ada', 'bob', 'cyd']) {
        expect((await entries(label, shop)).map(({ on_nodes }) => on_nodes)).toEqual([['ada', 'bob', 'cyd']])
      }
    }, WAIT)
    expect((await entries('ada', bank)).at(-1)?.on_nodes).toEqual(['ada'])
    const show = (thread: string) => bzzz(['thread', 'show', thread, '--data-dir', directories.get('ada') ?? ''])
    expect((await show(shop)).stdout).toContain('on 3 of 3 machines\n')
    expect((await show(bank)).stdout).toContain('on 1 of 3 machines (ada)')
  }, 60_000)

  it('decide a review of another project: who has a seat gets all of it', async () => {
    await meshFormed({ nodes: [...nodes.values()], close: async () => undefined }, 3)
    const { thread } = await client('ada').post('/api/reviews', reviewRequest.parse({ change }), reviewOpened)
    await vi.waitFor(async () => {
      const report = await client('ada').get('agents', `/api/reviews/${thread}`, reviewReport)
      expect(report.verdict?.outcome).toBe('changes_requested')
    }, RULES_WAIT)
    const all = await onDisk('ada', thread)
    await vi.waitFor(async () => {
      for (const label of ['bob', 'cyd']) expect(await onDisk(label, thread)).toBe(all)
    }, WAIT)
  }, 120_000)

  it('say in words that none of them has a thread', async () => {
    const asked = client('bob').get(
      'agents',
      '/api/conversations/019aa000-0000-7000-8000-000000000000',
      conversationView,
    )
    await expect(asked).rejects.toThrow('Peers online that were asked for it: 2; none has it.')
  }, 60_000)
})
