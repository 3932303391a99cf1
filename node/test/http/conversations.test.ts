import {
  conversationsAnswer,
  conversationView,
  type EntryOf,
  type MessagesAnswer,
  messagesAnswer,
  postedAnswer,
  problem,
} from '@bzzz/protocols'
import type { ThreadSummary } from '@bzzz/threads'
import { describe, expect, it, vi } from 'vitest'
import type { Brought } from '../../src/http/ports.ts'
import { answerOf, doorsUnderTest, withToken } from './doors-under-test.ts'
import { acacia, ironwood, NOW, openEntry, walnut } from './mesh-of-three.ts'

const UNKNOWN = '019aa000-0000-7000-8000-000000000000'

function message(id: string, more: Partial<EntryOf<'message'>> = {}): EntryOf<'message'> {
  return { type: 'message', id, author: `reviewer@${ironwood}`, ts: NOW + 1000, content: 'words', ...more }
}

describe('GET /api/conversations', () => {
  it('lists threads, the latest first', async () => {
    const { agents, threads } = doorsUnderTest()
    await threads.create(openEntry('older', NOW - 5000))
    await threads.create(openEntry('newer', NOW))
    const answer = answerOf(await agents.inject('/api/conversations'), 200, conversationsAnswer)
    expect(answer.conversations.map(({ topic }) => topic)).toEqual(['newer', 'older'])
    expect(answer.total).toBe(2)
  })

  it.each(['status=active', 'state=active', 'status=active&state=active'])('takes %s', async (query) => {
    const { agents, threads } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('decided'))
    await threads.append(thread, verdict())
    await threads.create(openEntry('open'))
    const answer = answerOf(await agents.inject(`/api/conversations?${query}`), 200, conversationsAnswer)
    expect(answer.conversations.map(({ topic }) => topic)).toEqual(['open'])
  })

  it('shows at most as many as were asked for, and tells how many there are', async () => {
    const { agents, threads } = doorsUnderTest()
    for (const topic of ['one', 'two', 'three']) await threads.create(openEntry(topic))
    const answer = answerOf(await agents.inject('/api/conversations?limit=2'), 200, conversationsAnswer)
    expect([answer.conversations.length, answer.total]).toEqual([2, 3])
  })

  it('marks those of which only the opening is sure to be here', async () => {
    const { agents, threads, following } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('of another project'))
    await threads.create(openEntry('of mine'))
    following.unfollowed.add(thread)
    const answer = answerOf(await agents.inject('/api/conversations'), 200, conversationsAnswer)
    expect(new Map(answer.conversations.map(({ topic, followed }) => [topic, followed]))).toEqual(
      new Map([
        ['of another project', false],
        ['of mine', true],
      ]),
    )
  })

  it.each(['status=active&state=approved', 'status=lively', 'limit=0'])('refuses %s', async (query) => {
    const { agents } = doorsUnderTest()
    expect(answerOf(await agents.inject(`/api/conversations?${query}`), 400, problem).code).toBe('REQUEST_INVALID')
  })
})

function verdict(): EntryOf<'verdict'> {
  const base = { id: 'verdict-1', author: `system@${walnut}`, ts: NOW, content: '' }
  return { ...base, type: 'verdict', outcome: 'approved', round: 1, proposal: null, heads: [] }
}

describe('a thread whose signatures are being checked', () => {
  it('is shown as pending, and is nothing that can be acted upon', async () => {
    const { agents, threads } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('taken over'))
    await threads.append(thread, message('message-1'))
    const { entries = [] } = (await threads.view(thread)) ?? {}
    const [summary] = threads.list()
    threads.threads.clear()
    threads.previews.set(thread, { thread, entries, summary: summary as ThreadSummary })
    const view = answerOf(await agents.inject(`/api/conversations/${thread}`), 200, conversationView)
    expect(view).toMatchObject({ topic: 'taken over', messages: 2, heads: [] })
    const { messages } = answerOf(await agents.inject(`/api/conversations/${thread}/messages`), 200, messagesAnswer)
    expect(messages.map(({ id, verified }) => [id, verified])).toEqual([
      [messages[0]?.id, 'pending'],
      ['message-1', 'pending'],
    ])
    expect(messages[1]?.on_nodes).toEqual(['ironwood'])
    expect(answerOf(await agents.inject(`/api/reviews/${thread}`), 404, problem).code).toBe('THREAD_UNKNOWN')
    threads.previews.clear()
    expect((await agents.inject(`/api/conversations/${thread}`)).statusCode).toBe(404)
  })
})

describe('a thread that is being fetched for whoever reads it', () => {
  it('is shown as soon as it can be, before all of it is stored', async () => {
    const { agents, threads, following } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('on its way'))
    const { entries = [] } = (await threads.view(thread)) ?? {}
    const [summary] = threads.list()
    threads.threads.clear()
    const stored = Promise.withResolvers<Brought>()
    following.bring = () => {
      threads.previewed.tell({ thread, entries, summary: summary as ThreadSummary })
      return stored.promise
    }
    const { messages } = answerOf(await agents.inject(`/api/conversations/${thread}/messages`), 200, messagesAnswer)
    expect(messages.map(({ verified }) => verified)).toEqual(['pending'])
    expect(threads.previewed.listeners.size).toBe(0)
    stored.resolve({ status: 'late' })
  })
})

describe('GET /api/conversations/:id', () => {
  it('tells who takes part, what it cost, and the heads', async () => {
    const { agents, threads } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('costly'))
    await threads.append(thread, message('message-1', { cost: '1500000001', simulated: true }))
    const appended = await threads.append(thread, message('message-2', { cost: '1' }))
    const answer = answerOf(await agents.inject(`/api/conversations/${thread}`), 200, conversationView)
    expect(answer).toMatchObject({ heads: appended.heads, messages: 3, cost_usd: 1.500000002, simulated: true })
    expect(answer.participants).toEqual([
      { author: `human:ana@${walnut}`, role: null, node_id: 'walnut', messages: 1 },
      { author: `reviewer@${ironwood}`, role: null, node_id: 'ironwood', messages: 2 },
    ])
  })

  it('knows the role of whoever joined', async () => {
    const { agents, threads } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('joined'))
    const agent = `senior@${ironwood}` as EntryOf<'join'>['agent']
    await threads.append(thread, {
      type: 'join',
      id: 'join-0001',
      author: agent,
      ts: NOW,
      content: '',
      agent,
      role: 'senior_architect',
    })
    const answer = answerOf(await agents.inject(`/api/conversations/${thread}`), 200, conversationView)
    expect(answer.participants).toContainEqual({
      author: agent,
      role: 'senior_architect',
      node_id: 'ironwood',
      messages: 1,
    })
  })

  it.each(['', '/messages'])('is 404 for a thread that is not here%s', async (rest) => {
    const { agents } = doorsUnderTest()
    expect(answerOf(await agents.inject(`/api/conversations/${UNKNOWN}${rest}`), 404, problem).code).toBe(
      'THREAD_UNKNOWN',
    )
  })

  it('says how many peers were asked for a thread that is not here, or that they took too long', async () => {
    const { agents, following } = doorsUnderTest()
    const ask = async () => answerOf(await agents.inject(`/api/conversations/${UNKNOWN}/messages`), 404, problem).detail
    expect(await ask()).toContain('asked for it: 1; none has it')
    following.elsewhere = { status: 'late' }
    expect(await ask()).toContain('ask again')
  })

  it('is 400 for what is no thread id', async () => {
    const { agents } = doorsUnderTest()
    const answer = answerOf(await agents.inject('/api/conversations/test-thread-1'), 400, problem)
    expect(answer.errors).toEqual([{ path: 'params/id', message: 'not a thread id (UUIDv7)' }])
  })
})

describe('GET /api/conversations/:id/messages', () => {
  it('shows each entry with its author, node and time', async () => {
    const { agents, threads } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('shown'))
    await threads.append(thread, message('message-1', { cost: '20000', replyTo: 'open-shown' }))
    const answer = answerOf(await agents.inject(`/api/conversations/${thread}/messages`), 200, messagesAnswer)
    expect(answer.messages[1]).toMatchObject({
      type: 'message',
      author: `reviewer@${ironwood}`,
      node: 'ironwood',
      content: 'words',
      ts: new Date(NOW + 1000).toISOString(),
      verified: true,
      cost_usd: 0.00002,
      entry: { cost: '20000', replyTo: 'open-shown' },
    })
  })

  it('shows on which nodes each entry is known to be', async () => {
    const { agents, threads, mesh } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('spread'))
    await threads.append(thread, message('message-1', { author: `reviewer@${walnut}` }))
    await threads.append(thread, message('message-2'))
    const [, second] = (await threads.view(thread))?.entries ?? []
    mesh.heldBy.set(thread, new Map([[acacia, new Map([['aa', { seq: 2, hash: second?.change ?? '' }]])]]))
    const url = `/api/conversations/${thread}/messages`
    const before = answerOf(await agents.inject(url), 200, messagesAnswer)
    expect(before.nodes).toBe(3)
    expect(before.messages.map(({ on_nodes }) => on_nodes)).toEqual([
      ['acacia', 'walnut'],
      ['acacia', 'walnut'],
      ['ironwood', 'walnut'],
    ])
    mesh.heldBy.set(thread, new Map([[acacia, new Map([['aa', { seq: 2, hash: 'of another change' }]])]]))
    const after = answerOf(await agents.inject(url), 200, messagesAnswer)
    expect(after.messages.map(({ on_nodes }) => on_nodes.includes('acacia'))).toEqual([true, false, false])
  })

  it('goes on page by page', async () => {
    const { agents, threads } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('long'))
    for (const id of ['message-1', 'message-2', 'message-3']) await threads.append(thread, message(id))
    const url = `/api/conversations/${thread}/messages?limit=3`
    const first = answerOf(await agents.inject(url), 200, messagesAnswer)
    const second = answerOf(await agents.inject(`${url}&after=${first.next}`), 200, messagesAnswer)
    expect(first).toMatchObject({ total: 4, next: `${first.messages[2]?.change}:0` })
    expect(second.messages.map(({ id }) => id)).toEqual(['message-3'])
    expect(second.next).toBeNull()
  })

  it('goes on from part to part of a long thread, and reads no other than it shows', async () => {
    const { agents, threads } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('long'))
    for (let i = 1; i <= 6; i++) await threads.append(thread, message(`message-${i}`))
    threads.partEntries = 3
    const read = vi.spyOn(threads, 'view')
    const url = `/api/conversations/${thread}/messages?limit=2`
    const pages: string[][] = []
    const parts: unknown[] = []
    for (let next: string | null = ''; next !== null; ) {
      const page: MessagesAnswer = answerOf(await agents.inject(url + next), 200, messagesAnswer)
      expect(page.total).toBe(7)
      pages.push(page.messages.map(({ id }) => id))
      parts.push([...new Set(read.mock.calls.map(([, part]) => part))])
      read.mockClear()
      next = page.next === null ? null : `&after=${page.next}`
    }
    expect(pages).toEqual([
      ['open-long', 'message-1'],
      ['message-2', 'message-3'],
      ['message-4', 'message-5'],
      ['message-6'],
    ])
    expect(parts).toEqual([[0], [0, 1], [1], [1, 2]])
    const behind = answerOf(await agents.inject(`${url}&after=message-5`), 200, messagesAnswer)
    expect(behind.messages.map(({ id }) => id)).toEqual(['message-6'])
  })

  it('goes on behind entries that share an id: it is unique per signing peer only', async () => {
    const { agents, threads } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('twice'))
    await threads.append(thread, message('same-message', { author: `reviewer@${walnut}` }))
    await threads.append(thread, message('same-message'))
    await threads.append(thread, message('message-3'))
    const url = `/api/conversations/${thread}/messages?limit=1`
    const seen: unknown[] = []
    let next: string | null = ''
    while (next !== null && seen.length < 9) {
      const page: MessagesAnswer = answerOf(await agents.inject(url + next), 200, messagesAnswer)
      seen.push(...page.messages.map(({ node, id }) => [node, id]))
      next = page.next === null ? null : `&after=${page.next}`
    }
    expect(seen.slice(1)).toEqual([
      ['walnut', 'same-message'],
      ['ironwood', 'same-message'],
      ['ironwood', 'message-3'],
    ])
    expect((await agents.inject(`${url}&after=open-twice`)).statusCode).toBe(200)
    const ambiguous = answerOf(await agents.inject(`${url}&after=same-message`), 400, problem)
    expect(ambiguous.detail).toContain('2 nodes')
  })

  it('refuses to go on behind an entry that is not there', async () => {
    const { agents, threads } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('short'))
    expect((await agents.inject(`/api/conversations/${thread}/messages?after=nowhere-1`)).statusCode).toBe(400)
  })

  it('survives a clock that says the year 280000', async () => {
    const { agents, threads } = doorsUnderTest()
    const { thread } = await threads.create(openEntry('odd'))
    await threads.append(thread, message('message-1', { ts: Number.MAX_SAFE_INTEGER }))
    const answer = answerOf(await agents.inject(`/api/conversations/${thread}/messages`), 200, messagesAnswer)
    expect(answer.messages[1]?.ts).toBe('9999-12-31T23:59:59.999Z')
  })
})

describe('writing', () => {
  const post = (url: string, body: object) => ({ method: 'POST' as const, url, body, headers: withToken })

  it('opens a conversation and posts to it in the name of a person at this node', async () => {
    const { agents, threads } = doorsUnderTest()
    const opened = answerOf(
      await agents.inject(post('/api/conversations', { topic: 'caching', from: 'ana' })),
      201,
      postedAnswer,
    )
    const url = `/api/conversations/${opened.thread}/messages`
    const posted = answerOf(
      await agents.inject(post(url, { content: 'hello', reply_to: opened.id })),
      201,
      postedAnswer,
    )
    const entries = threads.threads.get(opened.thread as never)?.map(({ entry }) => entry)
    expect(entries).toMatchObject([
      { type: 'open', author: `human:ana@${walnut}`, topic: 'caching', project: 'default', ts: NOW },
      { type: 'message', id: posted.id, author: `human:operator@${walnut}`, content: 'hello', replyTo: opened.id },
    ])
  })

  it.each([
    [{}, 'body/content'],
    [{ content: '' }, 'body/content'],
    [{ content: 'x', from: 'ana@evil' }, 'body/from'],
    [{ content: 'x', type: 'verdict' }, 'body'],
  ])('refuses %j at %s', async (body, path) => {
    const { agents } = doorsUnderTest()
    const answer = answerOf(await agents.inject(post(`/api/conversations/${UNKNOWN}/messages`, body)), 400, problem)
    expect(answer.errors?.[0]?.path).toBe(path)
  })

  it("passes a room's refusal on with its meaning", async () => {
    const { agents, threads } = doorsUnderTest()
    const url = `/api/conversations/${UNKNOWN}/messages`
    expect(answerOf(await agents.inject(post(url, { content: 'x' })), 404, problem).code).toBe('THREAD_UNKNOWN')
    threads.append = async () =>
      Promise.reject(Object.assign(new Error('the state is frozen'), { code: 'STATE_FROZEN' }))
    expect(answerOf(await agents.inject(post(url, { content: 'x' })), 503, problem).code).toBe('STATE_UNAVAILABLE')
  })
})
