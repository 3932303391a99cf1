import {
  type ConversationView,
  cleanupAnswer,
  conversationsAnswer,
  conversationView,
  postedAnswer,
} from '@bzzz/protocols'
import { expect, test, vi } from 'vitest'
import { bzzz } from '../cli/bzzz.ts'
import { openTestMesh, type TestNode } from './nodes.ts'

const PATIENCE = { timeout: 20_000, interval: 100 }

function conversation({ client }: TestNode, thread: string): Promise<ConversationView> {
  return client.get('agents', `/api/conversations/${thread}`, conversationView)
}

test('a thread that is archived on one node is out of the way on all of them, takes less room there, and comes back when somebody writes', async () => {
  const mesh = await openTestMesh({ members: [['walnut'], ['ironwood'], ['acacia']] })
  try {
    const [walnut, ironwood, acacia] = mesh.nodes
    if (walnut === undefined || ironwood === undefined || acacia === undefined) throw new Error('three nodes')
    const post = (node: TestNode, path: string, body: object) => node.client.post(path, body, postedAnswer)
    const { thread } = await post(walnut, '/api/conversations', { topic: 'finished', from: 'ana' })
    const content = 'words that somebody wrote, and that nobody reads any more. '.repeat(20)
    for (let i = 0; i < 20; i++) await post(walnut, `/api/conversations/${thread}/messages`, { content })
    const complete = async (node: TestNode, messages: number) =>
      vi.waitFor(async () => expect((await conversation(node, thread)).messages).toBe(messages), PATIENCE)
    await complete(ironwood, 21)

    const archived = await bzzz(['thread', 'archive', thread, '--data-dir', ironwood.directory])
    expect(archived).toEqual({ code: 0, stdout: `archived ${thread}\n`, stderr: '' })
    for (const node of mesh.nodes) {
      await complete(node, 22)
      await vi.waitFor(async () => {
        const view = await conversation(node, thread)
        expect(view.archived).toBe(true)
        expect(view.stored_bytes).toBeLessThan(view.bytes / 4)
      }, PATIENCE)
      const { conversations } = await node.client.get('agents', '/api/conversations', conversationsAnswer)
      expect(conversations).toEqual([])
    }
    const listed = await bzzz(['threads', '--archived', '--data-dir', acacia.directory])
    expect(listed.stdout).toMatch(new RegExp(`^thread +state +entries +on disk .*\\n${thread}  active  22 +\\S+ k?B `))

    await post(acacia, `/api/conversations/${thread}/messages`, { content })
    for (const node of mesh.nodes) {
      await complete(node, 23)
      expect((await conversation(node, thread)).archived).toBe(false)
    }
    const cleanup = await walnut.client.post('/api/maintenance/cleanup-threads?older_than=0s', {}, cleanupAnswer)
    expect(cleanup).toMatchObject({ archived: 1, skipped: 0 })
    expect(cleanup.freed_bytes).toBeGreaterThan(0)
  } finally {
    await mesh.close()
  }
}, 60_000)
