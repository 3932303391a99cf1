import {
  archivedAnswer,
  cleanupAnswer,
  conversationsAnswer,
  conversationView,
  nodeStatus,
  postedAnswer,
  problem,
} from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { answerOf, doorsUnderTest, withToken } from './doors-under-test.ts'
import { NOW, openEntry } from './mesh-of-three.ts'

const UNKNOWN = '019aa000-0000-7000-8000-000000000000'
const DAY_MS = 86_400_000

type Doors = ReturnType<typeof doorsUnderTest>

function post({ agents }: Doors, url: string, payload?: object, headers = {}) {
  const all = { ...withToken, ...headers }
  return agents.inject({ method: 'POST', url, headers: all, ...(payload === undefined ? {} : { payload }) })
}

async function topics({ agents }: Doors, query = ''): Promise<string[]> {
  const answer = answerOf(await agents.inject(`/api/conversations${query}`), 200, conversationsAnswer)
  return answer.conversations.map(({ topic }) => topic)
}

describe('POST /api/conversations/:id/archive', () => {
  it.each([{ from: 'ana' }, undefined])(
    'puts a conversation into the list of archived ones (body %j)',
    async (body) => {
      const doors = doorsUnderTest()
      const { thread } = await doors.threads.create(openEntry('done'))
      await doors.threads.create(openEntry('open'))
      const answer = answerOf(await post(doors, `/api/conversations/${thread}/archive`, body), 200, archivedAnswer)
      expect(answer).toEqual({ thread, archived: true, repeated: false })
      expect([await topics(doors), await topics(doors, '?state=archived')]).toEqual([['open'], ['done']])
      expect(await topics(doors, '?state=active')).toEqual(['open'])
      const view = answerOf(await doors.agents.inject(`/api/conversations/${thread}`), 200, conversationView)
      expect(view).toMatchObject({ archived: true, state: 'active', bytes: 200, stored_bytes: 200 })
      const status = answerOf(await doors.node.inject('/api/status'), 200, nodeStatus)
      expect(status.conversations).toMatchObject({ active: 1, archived: 1 })
    },
  )

  it('writes nothing the second time, with a key or without', async () => {
    const doors = doorsUnderTest()
    const { thread } = await doors.threads.create(openEntry('done'))
    const url = `/api/conversations/${thread}/archive`
    const key = { 'idempotency-key': 'once' }
    const first = answerOf(await post(doors, url, undefined, key), 200, archivedAnswer)
    expect(answerOf(await post(doors, url, undefined, key), 200, archivedAnswer)).toEqual(first)
    expect(answerOf(await post(doors, url), 200, archivedAnswer).repeated).toBe(true)
    expect(doors.threads.threads.get(thread)?.length).toBe(2)
  })

  it('is undone by whatever is written next', async () => {
    const doors = doorsUnderTest()
    const { thread } = await doors.threads.create(openEntry('done'))
    await post(doors, `/api/conversations/${thread}/archive`)
    answerOf(await post(doors, `/api/conversations/${thread}/messages`, { content: 'wait' }), 201, postedAnswer)
    expect(await topics(doors)).toEqual(['done'])
  })

  it('is 404 for a conversation that is not here, 400 for a wrong body, 401 without the token', async () => {
    const doors = doorsUnderTest()
    const { thread } = await doors.threads.create(openEntry('done'))
    const url = `/api/conversations/${thread}/archive`
    const unknown = await post(doors, `/api/conversations/${UNKNOWN}/archive`)
    expect(answerOf(unknown, 404, problem).code).toBe('THREAD_UNKNOWN')
    expect(answerOf(await post(doors, url, { from: '/' }), 400, problem).code).toBe('REQUEST_INVALID')
    const anonymous = await doors.agents.inject({ method: 'POST', url })
    expect(answerOf(anonymous, 401, problem).code).toBe('TOKEN_REQUIRED')
    expect(await topics(doors)).toEqual(['done'])
  })
})

describe('POST /api/maintenance/cleanup-threads', () => {
  const url = '/api/maintenance/cleanup-threads'

  it('leaves alone what this node does not keep up with: elsewhere it may be written to every day', async () => {
    const doors = doorsUnderTest()
    const { thread } = await doors.threads.create(openEntry('old', NOW - 31 * DAY_MS))
    doors.following.unfollowed.add(thread)
    const answer = answerOf(await post(doors, `${url}?older_than=30d`), 200, cleanupAnswer)
    expect(answer.archived).toBe(0)
    expect(await topics(doors)).toEqual(['old'])
  })

  it('archives what nobody wrote to for so long, in whatever state, and tells what that freed', async () => {
    const doors = doorsUnderTest()
    for (const [topic, days] of [
      ['new', 1],
      ['old', 31],
      ['older', 90],
    ] as const) {
      await doors.threads.create(openEntry(topic, NOW - days * DAY_MS))
    }
    const answer = answerOf(await post(doors, `${url}?older_than=30d`), 200, cleanupAnswer)
    // Of each 100 bytes before; 2 entries of 20 bytes after.
    expect(answer).toEqual({ archived: 2, skipped: 1, freed_bytes: 120 })
    expect(await topics(doors)).toEqual(['new'])
    expect((await topics(doors, '?state=archived')).sort()).toEqual(['old', 'older'])
  })

  it('may be repeated, and means 30 days unless it is said otherwise', async () => {
    const doors = doorsUnderTest()
    await doors.threads.create(openEntry('new', NOW - 29 * DAY_MS))
    await doors.threads.create(openEntry('old', NOW - 31 * DAY_MS))
    expect(answerOf(await post(doors, url), 200, cleanupAnswer)).toMatchObject({ archived: 1, skipped: 1 })
    const again = answerOf(await post(doors, url), 200, cleanupAnswer)
    expect(again).toEqual({ archived: 0, skipped: 1, freed_bytes: 0 })
  })

  it.each(['30', '-1d', 'soon', '1y'])('refuses older_than=%s', async (olderThan) => {
    const doors = doorsUnderTest()
    const refused = await post(doors, `${url}?older_than=${olderThan}`)
    expect(answerOf(refused, 400, problem).code).toBe('REQUEST_INVALID')
  })
})
