import { once } from 'node:events'
import { connect } from 'node:net'
import {
  agentIdOf,
  agentsAnswer,
  callIdOf,
  type EventName,
  eventData,
  newThreadId,
  type Period,
  problem,
  type TokensFrame,
  type TurnId,
  turnIdOf,
} from '@bzzz/protocols'
import { afterEach, describe, expect, it } from 'vitest'
import type { HttpFact } from '../../src/http/facts.ts'
import { type Http, type HttpOptions, openHttp } from '../../src/http/open.ts'
import { TOKEN, withToken } from './doors-under-test.ts'
import { ironwood, lineOf, meshOfThree, NOW, openEntry, status, walnut } from './mesh-of-three.ts'

const opened: Http[] = []
const otherThread = newThreadId(NOW, new Uint8Array(10).fill(2))
const live: TokensFrame = {
  v: 1,
  thread: newThreadId(NOW, new Uint8Array(10).fill(1)),
  agent: agentIdOf('reviewer', ironwood),
  ...{ phase: 'findings', round: 1, step: 0, attempt: 0, offset: 12, text: 'eval() runs' },
}

afterEach(async () => {
  for (const http of opened.splice(0)) await http.close()
})

async function openDoors(more: Partial<HttpOptions> = {}) {
  const mesh = meshOfThree()
  const facts: HttpFact[] = []
  let runs = 0
  const http = await openHttp({
    ports: mesh.ports,
    host: '127.0.0.1',
    nodePort: 0,
    agentsPort: 0,
    token: TOKEN,
    now: () => NOW,
    randomBytes: (length) => new Uint8Array(length).fill(++runs),
    observe: (fact) => facts.push(fact),
    ...more,
  })
  opened.push(http)
  return { ...mesh, ...http, facts }
}

describe('openHttp', () => {
  it('serves both doors on ports of their own', async () => {
    const { nodeUrl, agentsUrl } = await openDoors()
    expect((await fetch(`${nodeUrl}/health`)).status).toBe(200)
    expect(agentsAnswer.parse(await (await fetch(`${agentsUrl}/api/agents`)).json()).total).toBe(4)
    expect(new URL(nodeUrl).port).not.toBe(new URL(agentsUrl).port)
  })

  it('lets the page of one door call the other', async () => {
    const { nodeUrl, agentsUrl } = await openDoors()
    expect((await fetch(`${agentsUrl}/api/agents`, { headers: { origin: nodeUrl } })).status).toBe(200)
    expect((await fetch(`${agentsUrl}/api/agents`, { headers: { origin: 'http://127.0.0.1:1' } })).status).toBe(403)
  })

  it('refuses a rebound name on a real socket', async () => {
    const { nodeUrl } = await openDoors()
    const socket = connect(Number(new URL(nodeUrl).port), '127.0.0.1')
    socket.write('GET /health HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1.1 403 .*HOST_REFUSED/s)
    socket.destroy()
  })

  it('leaves nothing open when a port is taken', async () => {
    const { agentsUrl } = await openDoors()
    const agentsPort = Number(new URL(agentsUrl).port)
    await expect(openDoors({ agentsPort })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })

  it('answers what is in hand, refuses what comes after, and closes once', async () => {
    const { agentsUrl, threads, close } = await openDoors()
    const held = Promise.withResolvers<void>()
    const begun = Promise.withResolvers<void>()
    const view = threads.view.bind(threads)
    const { thread } = await threads.create(openEntry('in hand'))
    threads.view = async (id) => {
      begun.resolve()
      await held.promise
      return view(id)
    }
    const inHand = fetch(`${agentsUrl}/api/conversations/${thread}`)
    await begun.promise
    const closed = Promise.all([close(), close()])
    const late = await fetch(`${agentsUrl}/api/agents`)
    expect([late.status, problem.parse(await late.json()).code]).toEqual([503, 'CLOSING'])
    held.resolve()
    expect((await inHand).status).toBe(200)
    await closed
    await expect(fetch(`${agentsUrl}/api/agents`)).rejects.toThrow('fetch failed')
  })
})

/** Reads server-sent events until as many came as the test wants. */
async function follow(url: string, headers: Record<string, string> = {}) {
  const abort = new AbortController()
  const response = await fetch(url, { headers, signal: abort.signal })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''

  async function until(condition: (text: string) => boolean): Promise<string> {
    while (!condition(text)) {
      const part = await reader?.read()
      if (part?.done !== false) throw new Error(`the stream ended: ${text}`)
      text += part.value
    }
    return text
  }

  return {
    response,
    until,
    ended: async () => (await reader?.read())?.done,
    leave: () => abort.abort(),
    /** The next events with data, parsed in the shape that their name has. */
    async events(count: number) {
      const frames = (await until((all) => all.split('\ndata: ').length > count)).split('\n\n')
      return frames.flatMap((frame) => {
        const [, id, name, data] = /id: (.*)\nevent: (.*)\ndata: (.*)/.exec(frame) ?? []
        return data === undefined ? [] : [{ id, name, data: eventData[name as EventName].parse(JSON.parse(data)) }]
      })
    },
  }
}

describe('GET /api/events', () => {
  it('sends entries, peers, budget and turns as they happen', async () => {
    const { agentsUrl, threads, mesh, budget, turns } = await openDoors()
    const stream = await follow(`${agentsUrl}/api/events`)
    await stream.until((text) => text.includes('id: '))
    expect(stream.response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
    const { thread } = await threads.create(openEntry('watched'))
    mesh.watchers.tell({ type: 'peer', status: status(ironwood, 'ironwood', {}) })
    budget.watchers.tell('d:2026-11-22' as Period)
    turns.tell({
      thread,
      turn: 'f'.repeat(64) as TurnId,
      agent: `architect@${walnut}` as never,
      phase: 'vote',
      round: 1,
      state: 'started',
      reason: null,
    })
    expect(await stream.events(4)).toMatchObject([
      { id: '010101010101.1', name: 'entry', data: { thread, type: 'open', node: 'walnut' } },
      { name: 'peer', data: { node_id: 'ironwood', state: 'online' } },
      { name: 'budget', data: { period: 'd:2026-11-22', held_usd: 0.25 } },
      { name: 'turn', data: { phase: 'vote', state: 'started' } },
    ])
  })

  it.each([
    ['Last-Event-ID', (cursor: string) => ({ url: '', headers: { 'last-event-id': cursor } })],
    ['?after=', (cursor: string) => ({ url: `?after=${cursor}`, headers: {} })],
  ])('resumes from %s', async (_, resume) => {
    const { agentsUrl, threads } = await openDoors()
    await threads.create(openEntry('first'))
    await threads.create(openEntry('second'))
    const { url, headers } = resume('010101010101.1')
    const [event] = await (await follow(`${agentsUrl}/api/events${url}`, headers)).events(1)
    expect(event?.data).toMatchObject({ entry: { topic: 'second' } })
  })

  it('resets a client of an earlier run', async () => {
    const { agentsUrl } = await openDoors()
    const [event] = await (await follow(`${agentsUrl}/api/events?after=0202.17`)).events(1)
    expect(event).toEqual({ id: '010101010101.0', name: 'reset', data: { cursor: '010101010101.0' } })
  })

  it('resets whoever watches a thread of which something is not shown any more', async () => {
    const { agentsUrl, threads } = await openDoors()
    const { thread } = await threads.create(openEntry('unsaid'))
    const stream = await follow(`${agentsUrl}/api/events?thread=${thread}`)
    await stream.until((text) => text.includes('id: '))
    const lost = threads.threads.get(thread) ?? []
    threads.watchers.tell({
      thread,
      own: false,
      envelope: new Uint8Array(),
      entries: [],
      lost,
      heads: [],
      document: thread,
    })
    const [event] = await stream.events(1)
    expect(event).toEqual({ id: '010101010101.2', name: 'reset', data: { cursor: '010101010101.2' } })
  })

  it('sends one thread only when asked', async () => {
    const { agentsUrl, threads, budget } = await openDoors()
    const { thread } = await threads.create(openEntry('mine'))
    budget.running = [lineOf('thread', `t:${thread}`, 2, 0, 0), ...budget.running]
    const stream = await follow(`${agentsUrl}/api/events?thread=${thread}`)
    await stream.until((text) => text.includes('id: '))
    await threads.create(openEntry('other'))
    for (const { period } of budget.running) budget.watchers.tell(period)
    await threads.append(thread, {
      type: 'message',
      id: 'message-1',
      author: `human:ana@${walnut}`,
      ts: NOW,
      content: '',
    })
    expect((await stream.events(2)).map(({ name }) => name)).toEqual(['budget', 'entry'])
  })

  it("sends the text of one thread's running calls, beside what is kept, until the client leaves", async () => {
    const { agentsUrl, mesh } = await openDoors()
    const stream = await follow(`${agentsUrl}/api/events?thread=${live.thread}`)
    await stream.until((text) => text.includes('id: '))
    mesh.tokens.tell({ ...live, thread: otherThread })
    mesh.tokens.tell(live)
    const text = await stream.until((all) => all.includes('data: '))
    const [, data = ''] = /^event: tokens\ndata: (.*)$/m.exec(text) ?? []
    const turn = turnIdOf(live)
    expect(eventData.tokens.parse(JSON.parse(data))).toEqual({
      ...{ thread: live.thread, turn, call: callIdOf(turn, 0, 0), agent: live.agent, node: 'ironwood' },
      ...{ phase: 'findings', round: 1, offset: 12, text: 'eval() runs' },
    })
    expect(text.match(/^id: /gm)).toHaveLength(1)
    stream.leave()
    await expect.poll(() => mesh.tokens.listeners.size).toBe(0)
  })

  it.each(['', `?tokens=true`, `?thread=${otherThread}&tokens=false`])(
    'watches no calls for a client that asks with "%s"',
    async (query) => {
      const { agentsUrl, mesh } = await openDoors()
      const stream = await follow(`${agentsUrl}/api/events${query}`)
      await stream.until((text) => text.includes('id: '))
      expect(mesh.tokens.listeners.size).toBe(0)
    },
  )

  it('keeps next to nothing for a client that does not read, and counts what it left out', async () => {
    const { agentsUrl, mesh, facts } = await openDoors()
    const socket = connect(Number(new URL(agentsUrl).port), '127.0.0.1')
    socket.write(`GET /api/events?thread=${live.thread} HTTP/1.1\r\nHost: localhost\r\n\r\n`)
    await once(socket, 'data')
    socket.pause()
    for (let n = 0; n < 10_000; n++) mesh.tokens.tell({ ...live, offset: n, text: 'x'.repeat(2_000) })
    const leftOut = facts.filter(({ type }) => type === 'tokens-left-out').length
    expect(10_000 - leftOut).toBeLessThan(100)
    socket.destroy()
    await expect.poll(() => mesh.tokens.listeners.size).toBe(0)
  })

  it('beats while nothing happens', async () => {
    const { agentsUrl } = await openDoors({ heartbeatMs: 5 })
    const stream = await follow(`${agentsUrl}/api/events`)
    expect(await stream.until((text) => text.split(': beat\n\n').length > 2)).not.toContain('data:')
  })

  it('counts streams as they come and go', async () => {
    const left = Promise.withResolvers<HttpFact>()
    const { agentsUrl } = await openDoors({ observe: (fact) => fact.type === 'stream-closed' && left.resolve(fact) })
    const stream = await follow(`${agentsUrl}/api/events`)
    stream.leave()
    expect(await left.promise).toEqual({ type: 'stream-closed', open: 0, why: 'left' })
  })

  it('opens no more than 64', async () => {
    const { agentsUrl } = await openDoors()
    await Promise.all(Array.from({ length: 64 }, () => follow(`${agentsUrl}/api/events`)))
    const refused = await fetch(`${agentsUrl}/api/events`)
    expect([refused.status, problem.parse(await refused.json()).code]).toEqual([503, 'STREAMS_EXHAUSTED'])
  })

  it('wants the token where reading does', async () => {
    const { agentsUrl } = await openDoors({ host: '0.0.0.0' })
    const url = `http://127.0.0.1:${new URL(agentsUrl).port}/api/events`
    expect((await fetch(url)).status).toBe(401)
    expect((await follow(url, withToken)).response.status).toBe(200)
  })

  it('ends with the doors, and stops watching the rooms', async () => {
    const { agentsUrl, close, threads, mesh, budget, turns, facts } = await openDoors()
    const stream = await follow(`${agentsUrl}/api/events`)
    await stream.until((text) => text.includes('id: '))
    await close()
    expect(await stream.ended()).toBe(true)
    expect(facts).toContainEqual({ type: 'stream-closed', open: 0, why: 'closing' })
    for (const { listeners } of [threads.watchers, mesh.watchers, mesh.tokens, budget.watchers, turns])
      expect(listeners.size).toBe(0)
  })
})
