import type { Entry, PeerId, SeqVector, ThreadId } from '@bzzz/protocols'
import { agentIdOf, newThreadId, successorId } from '@bzzz/protocols'
import type { Operation } from '@bzzz/store'
import type { ThreadEvent, ThreadSummary } from '@bzzz/threads'
import { describe, expect, it } from 'vitest'
import { Following, readFollows } from '../../src/following/following.ts'
import { acacia, openEntry, walnut } from '../http/mesh-of-three.ts'

const thread = (n: number) => newThreadId(n, new Uint8Array(10))
const [SHOP, BANK, NEW] = [thread(1), thread(2), thread(3)] as const

/** A node that follows the project `shop`, with a thread of the shop and the opening of one of the bank on disk. */
function world(fetchThread: () => Promise<number> = async () => 2) {
  const projects = new Map<ThreadId, string>([
    [SHOP, 'shop'],
    [BANK, 'bank'],
  ])
  const listeners = new Set<(event: ThreadEvent) => void>()
  const written: string[] = []
  const told: ThreadId[] = []
  const asked: ThreadId[] = []
  const following = new Following({
    room: { write: async (operations: readonly Operation[]) => void written.push(...operations.map(keyOf)) },
    follows: { projects: ['shop'], threads: [] },
    threads: {
      summary: (id) => (projects.has(id) ? ({ project: projects.get(id) } as ThreadSummary) : undefined),
      rootOf: (id) => id,
      subscribe: (listener) => {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
    mesh: {
      follow: (id) => void told.push(id),
      fetchThread: async (id) => {
        asked.push(id)
        return await fetchThread()
      },
    },
    peer: walnut,
    fetchMs: 60_000,
    onLost: () => undefined,
  })
  const hear = (id: ThreadId, own: boolean, entry: Entry, peer: PeerId = acacia) => {
    const viewed = { entry, peer, actor: 'aa', laptop: false, seq: 1, index: 0, change: 'bb' }
    const event = { thread: id, own, envelope: new Uint8Array(), entries: [viewed], heads: [] }
    for (const listener of listeners) listener(event as unknown as ThreadEvent)
  }
  return { following, projects, written, told, asked, hear }
}

function keyOf(operation: Operation): string {
  return 'put' in operation ? operation.put : operation.del
}

const review = (peer: PeerId) => ({
  ...openEntry('a review'),
  review: { seats: [{ role: 'architect', agent: agentIdOf('architect', peer) }] },
})

describe('a thread that is asked for', () => {
  it('is not fetched when its project is followed', async () => {
    const { following, asked } = world()
    expect(await following.bring(SHOP)).toEqual({ status: 'here' })
    expect(asked).toEqual([])
  })

  it('is fetched once when only its opening is here, and kept up with from then on', async () => {
    const { following, asked, told, written } = world()
    expect(await Promise.all([following.bring(BANK), following.bring(BANK)])).toEqual(Array(2).fill({ status: 'here' }))
    expect(await following.bring(BANK)).toEqual({ status: 'here' })
    await following.close()
    expect({ asked, told, written }).toEqual({ asked: [BANK], told: [BANK], written: [`f/${BANK}`] })
  })

  it('stays readable as it is on disk when no peer is there', async () => {
    const { following } = world(async () => 0)
    expect(await following.bring(BANK)).toEqual({ status: 'here' })
  })

  it('is not remembered when nobody has it', async () => {
    const { following, told, written } = world()
    expect(await following.bring(NEW)).toEqual({ status: 'nowhere', asked: 2 })
    expect({ told, written }).toEqual({ told: [], written: [] })
  })

  it('is one of few at a time: who asks for more is told to come again', async () => {
    const { following } = world(() => new Promise(() => undefined))
    for (let i = 0; i < 32; i++) void following.bring(thread(100 + i))
    expect(await following.bring(NEW)).toEqual({ status: 'late' })
  })
})

describe('a thread of a project that is not followed', () => {
  it('is kept up with once an agent of this node has a seat in it', () => {
    const { told, hear } = world()
    hear(BANK, false, review(walnut) as unknown as Entry)
    expect(told).toEqual([BANK])
  })

  it('is kept up with once this node wrote to it', () => {
    const { told, hear } = world()
    hear(BANK, true, openEntry('words'))
    expect(told).toEqual([BANK])
  })

  it('is left alone otherwise', () => {
    const { told, hear, following } = world()
    expect([SHOP, BANK, NEW].map((id) => following.follows(id))).toEqual([true, false, false])
    hear(BANK, false, review(acacia) as unknown as Entry)
    expect(told).toEqual([])
  })
})

describe('after a restart', () => {
  const own = '01'.repeat(32)
  const latest = { seq: 1, hash: 'bb' }
  const vectors = new Map<ThreadId, SeqVector>([[successorId(BANK, 1), new Map([[`${own}${'00'.repeat(8)}`, latest]])]])
  const options = {
    room: {
      async *keys() {
        yield `f/${NEW}`
      },
    } as never,
    threads: {
      list: () => [
        { thread: SHOP, project: 'shop' } as ThreadSummary,
        { thread: BANK, project: 'bank' } as ThreadSummary,
      ],
      parts: (id: ThreadId) => [id, successorId(id, 1)].map((document) => ({ document, entries: 1 })),
      vector: async (id: ThreadId) => vectors.get(id) ?? new Map(),
    },
    signer: { publicKey: Buffer.from(own, 'hex') },
  }

  it('it is known from its row, or from what this node wrote to it', async () => {
    expect(await readFollows({ ...options, projects: ['shop'] })).toEqual({ projects: ['shop'], threads: [NEW, BANK] })
  })

  it('none is followed for itself where all projects are', async () => {
    expect(await readFollows({ ...options, projects: [] })).toEqual({ projects: null, threads: [] })
  })
})
