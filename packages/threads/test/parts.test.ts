import { randomBytes } from 'node:crypto'
import { type EntryOf, readEnvelope, successorId, type ThreadId } from '@bzzz/protocols'
import { describe, expect, test } from 'vitest'
import type { ThreadFact } from '../src/facts.ts'
import type { ThreadEvent, Threads } from '../src/port.ts'
import { openThreads, type ThreadsOptions } from '../src/threads.ts'
import { verifyThreads } from '../src/verify.ts'
import { Pen } from './pen.ts'
import { mesh, openNode, optionsFor, repair, shownIds, signerOf, temporaryState, viewOf, writerOf } from './place.ts'

const maxPartEntries = 4

/** A thread with so many messages after its opening entry, at a node that leaves each part after four entries. */
async function longThread(messages: number, options: Partial<ThreadsOptions> = {}) {
  const node = await openNode(1, { maxPartEntries, ...options })
  const { thread } = await node.threads.create(node.by.open())
  for (let i = 1; i <= messages; i++) await node.threads.append(thread, node.by.message(`message-${i}`))
  return { ...node, thread }
}

function entriesOf(threads: Threads, thread: ThreadId): number[] {
  return threads.parts(thread).map(({ entries }) => entries)
}

/** Two changes with one number: the first has 39 entries, and is beaten by the other, which has none that counts. */
function signedTwice(thread: ThreadId): [Uint8Array, Uint8Array] {
  const hashOf = (envelope: Uint8Array) => readEnvelope(mesh, envelope).header.hash
  const by = writerOf(signerOf(2))
  const rival = new Pen(signerOf(2), thread).append('nothing')
  for (let nth = 0; ; nth++) {
    const words = Array.from({ length: 39 }, (_, i) => JSON.stringify(by.message(`twice-${nth}-${i}`)))
    const twice = new Pen(signerOf(2), thread).append(...words)
    if (hashOf(twice) > hashOf(rival)) return [twice, rival]
  }
}

const NINE = [
  ...['opening-entry', 'message-1', 'message-2', 'message-3'],
  ...['continue-1', 'message-4', 'message-5', 'message-6'],
  ...['continue-2', 'message-7', 'message-8', 'message-9'],
]

describe('a thread that has grown long', () => {
  test('goes on in further parts under its own id, in order', async () => {
    const { threads, thread } = await longThread(9)
    expect(await shownIds(threads, thread)).toEqual(NINE)
    const documents = [thread, successorId(thread, 1), successorId(thread, 2)]
    expect(threads.parts(thread)).toEqual(documents.map((document) => ({ document, entries: 4 })))
    expect((await viewOf(threads, thread)).heads).toHaveLength(1)
  })

  test('is one thread in the list, with the sums of its parts', async () => {
    const { threads, thread, by } = await longThread(9, { now: () => 50 })
    await threads.append(thread, by.message('the-latest', 'late', 77))
    const { parts, entries, lastMs, ...rest } = { parts: threads.parts(thread).length, ...threads.summary(thread) }
    expect({ parts, entries, lastMs }).toEqual({ parts: 4, entries: 14, lastMs: 77 })
    expect(threads.list()).toEqual([threads.summary(thread)])
    let bytes = 0
    for (const { document } of threads.parts(thread)) {
      for await (const envelope of threads.envelopesAfter(document, new Map())) bytes += envelope.length
    }
    expect(rest).toMatchObject({ thread, topic: 'A topic', bytes, storedBytes: bytes, archived: false })
  })

  test('is found by the id of any of its parts', async () => {
    const { threads, thread, by } = await longThread(9)
    const document = successorId(thread, 1)
    expect(threads.rootOf(document)).toBe(thread)
    expect(threads.summary(document)).toEqual(threads.summary(thread))
    expect(threads.parts(document)).toEqual(threads.parts(thread))
    expect((await viewOf(threads, document)).thread).toBe(thread)
    expect(await threads.append(document, by.message('by-its-part'))).toMatchObject({ thread, repeated: false })
    expect((await shownIds(threads, thread)).at(-1)).toBe('by-its-part')
  })

  test('is told of under its own id, with the document that its envelopes belong to', async () => {
    const { threads, thread, by } = await longThread(3)
    const events: ThreadEvent[] = []
    threads.subscribe((event) => events.push(event))
    await threads.append(thread, by.message('message-4'))
    const [event] = events
    expect(event).toMatchObject({ thread, document: successorId(thread, 1), own: true })
    expect(event?.entries.map(({ entry, document }) => [entry.id, document])).toEqual([
      ['continue-1', successorId(thread, 1)],
      ['message-4', successorId(thread, 1)],
    ])
    expect(events).toHaveLength(1) // both in one change
  })

  test('can be read part by part', async () => {
    const { threads, thread } = await longThread(9)
    const pages = await Promise.all([0, 1, 2, 3].map((part) => threads.view(thread, part)))
    expect(pages.map((page) => page?.entries.map(({ entry }) => entry.id))).toEqual([
      NINE.slice(0, 4),
      NINE.slice(4, 8),
      NINE.slice(8),
      undefined,
    ])
    expect(pages.map((page) => page?.thread)).toEqual([thread, thread, thread, undefined])
  })

  test('takes appends that came at the same time in as few parts as one after the other', async () => {
    const { threads, thread, by } = await longThread(3)
    const ids = Array.from({ length: 20 }, (_, i) => `together-${i}`)
    await Promise.all(ids.map((id) => threads.append(thread, by.message(id))))
    expect(entriesOf(threads, thread)).toEqual([4, 21])
    expect((await shownIds(threads, thread)).slice(5)).toEqual(ids)
  })

  test('goes on by itself alone', async () => {
    const { threads, thread, by } = await longThread(1)
    const own: EntryOf<'continue'> = {
      ...by.message('continue-1'),
      type: 'continue',
      of: thread,
      part: 1,
      heads: ['0'.repeat(64)],
    }
    await expect(threads.append(thread, own)).rejects.toMatchObject({ code: 'ENTRY_INVALID' })
  })

  test('is written to the end before it is closed, and not read or written after that', async () => {
    const facts: string[] = []
    const { threads, thread, by } = await longThread(9, { observe: ({ type }) => facts.push(type) })
    const appends = ['message-10', 'message-11', 'message-12'].map((id) => threads.append(thread, by.message(id)))
    const archived = threads.append(thread, by.archive())
    await threads.close()
    facts.length = 0
    for (const { repeated } of await Promise.all([...appends, archived])) expect(repeated).toBe(false)
    expect(facts).toEqual([])
    await expect(threads.view(thread)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test('reads and verifies the same after a restart', async () => {
    const { state, threads, thread, signer } = await longThread(9)
    const before = { view: (await viewOf(threads, thread)).entries, list: threads.list() }
    await threads.append(thread, writerOf(signer).message('message-4')) // makes the rows of names
    await threads.close()
    expect(await verifyThreads(state.room('threads'), mesh)).toMatchObject({ threads: 3 })
    const again = await openThreads({ ...optionsFor(state, signer), maxPartEntries })
    expect(again.list()).toEqual(before.list)
    expect((await viewOf(again, thread)).entries).toEqual(before.view)
    await again.close()
  })
})

describe('an entry that was said before', () => {
  test('in an earlier part is not written again, nor is the part loaded for it', async () => {
    const { state, threads, thread, signer } = await longThread(9)
    await threads.append(thread, writerOf(signer).message('message-10'))
    await threads.close()
    const facts: ThreadFact[] = []
    const again = await openThreads({
      ...optionsFor(state, signer),
      maxPartEntries,
      observe: (fact) => facts.push(fact),
    })
    await again.append(thread, writerOf(signer).message('message-11'))
    const loaded = () => facts.flatMap((fact) => (fact.type === 'loaded' ? [fact.thread] : []))
    expect(loaded()).toEqual([successorId(thread, 3)])
    expect(await again.append(thread, writerOf(signer).message('message-2'))).toMatchObject({ thread, repeated: true })
    expect((await shownIds(again, thread)).filter((id) => id === 'message-2')).toHaveLength(1)
    await again.close()
  })

  test('while the part was being left is not written again', async () => {
    const { threads, thread, by } = await longThread(2)
    const answers = await Promise.all(
      ['message-3', 'message-3', 'message-4'].map((id) => threads.append(thread, by.message(id))),
    )
    expect(answers.map(({ repeated }) => repeated)).toEqual([false, true, false])
    const again = await Promise.all(
      ['message-5', 'message-4', 'message-3', 'message-1'].map((id) => threads.append(thread, by.message(id))),
    )
    expect(again.map(({ repeated }) => repeated)).toEqual([false, true, true, true])
  })

  test('in two parts, by a node that had lost a part of its disk, is shown once, in the earliest', async () => {
    const { threads, thread } = await longThread(9)
    const other = await openNode(2, { maxPartEntries: 40 })
    await repair(threads, other.threads)
    const pen = new Pen(signerOf(2), successorId(thread, 1))
    for await (const envelope of threads.envelopesAfter(successorId(thread, 1), new Map())) pen.learn(envelope)
    const said = other.by.message('said-twice')
    await other.threads.append(thread, said)
    await threads.receive(pen.append(JSON.stringify(said)))
    await repair(other.threads, threads)
    const places = (await viewOf(threads, thread)).entries.filter(({ entry }) => entry.id === 'said-twice')
    expect(places.map(({ document }) => document)).toEqual([successorId(thread, 1)])
    const last = await threads.view(thread, 2)
    expect(last?.entries.map(({ entry }) => entry.id)).not.toContain('said-twice')
  })
})

describe('two nodes', () => {
  test('that leave a part apart from each other meet in one, and stragglers count', async () => {
    const a = await longThread(2)
    const b = await openNode(2, { maxPartEntries })
    const c = await openNode(3, { maxPartEntries })
    for (const { threads } of [b, c]) await repair(a.threads, threads)
    for (const id of ['from-a-1', 'from-a-2', 'from-a-3']) await a.threads.append(a.thread, a.by.message(id, id, 2))
    for (const id of ['from-b-1', 'from-b-2']) await b.threads.append(a.thread, b.by.message(id, id, 3))
    await c.threads.append(a.thread, c.by.message('straggler', '', 4))
    for (const from of [a, b, c]) for (const to of [a, b, c]) await repair(from.threads, to.threads)
    const [first, ...others] = await Promise.all([a, b, c].map(({ threads }) => viewOf(threads, a.thread)))
    for (const other of others) {
      expect(other.entries).toEqual(first?.entries)
      expect(other.heads).toEqual(first?.heads)
    }
    const ids = first?.entries.map(({ entry }) => entry.id) ?? []
    expect(new Set(ids.slice(0, 6))).toEqual(
      new Set(['opening-entry', 'message-1', 'message-2', 'from-a-1', 'from-b-1', 'straggler']),
    )
    expect(ids.filter((id) => id === 'continue-1')).toHaveLength(2)
    expect(a.threads.parts(a.thread)).toHaveLength(2)
  })

  test('know across parts what follows what', async () => {
    const a = await longThread(9)
    const b = await openNode(2, { maxPartEntries })
    const [first, ...later] = a.threads.parts(a.thread)
    for await (const envelope of a.threads.envelopesAfter(first?.document ?? a.thread, new Map())) {
      await b.threads.receive(envelope)
    }
    await b.threads.append(a.thread, b.by.message('said-apart')) // begins part 1 as well, knowing part 0
    for (const { document } of later) {
      for await (const envelope of a.threads.envelopesAfter(document, new Map())) await b.threads.receive(envelope)
    }
    const view = await viewOf(b.threads, a.thread)
    const of = (id: string, peer = a.signer.peer) => {
      const found = view.entries.find((viewed) => viewed.entry.id === id && viewed.peer === peer)
      if (found === undefined) throw new Error(`no ${id}`)
      return found
    }
    const apart = of('said-apart', b.signer.peer)
    expect(view.precedes(of('opening-entry'), of('message-9'))).toBe(true)
    expect(view.precedes(of('message-3'), of('message-4'))).toBe(true)
    expect(view.precedes(of('message-4'), of('message-9'))).toBe(true)
    expect(view.precedes(of('message-9'), of('message-3'))).toBe(false)
    expect(view.precedes(of('message-3'), apart)).toBe(true)
    expect(view.precedes(apart, of('message-9'))).toBe(false)
    expect(view.precedes(of('message-4'), apart)).toBe(false)
    expect(view.heads).toHaveLength(2)
  })
})

describe('a part', () => {
  test('is read once, however often the whole thread is shown', async () => {
    const facts: ThreadFact[] = []
    const { threads, thread, by } = await longThread(17, { maxLoaded: 1, observe: (fact) => facts.push(fact) })
    await viewOf(threads, thread)
    const before = facts.length
    for (let i = 0; i < 5; i++) {
      await threads.append(thread, by.message(`once-more-${i}`.slice(0, 20)))
      await viewOf(threads, thread)
    }
    const loaded = new Set(facts.slice(before).flatMap((fact) => (fact.type === 'loaded' ? [fact.thread] : [])))
    const earlier = threads.parts(thread).slice(0, 5)
    expect(earlier.filter(({ document }) => loaded.has(document))).toEqual([])
  })

  test('that claims to continue another thread than its id says is hidden', async () => {
    const { threads, thread } = await longThread(3)
    const pen = new Pen(signerOf(2), successorId(thread, 1))
    const forged = (of: ThreadId, part: number): EntryOf<'continue'> => ({
      ...writerOf(signerOf(2)).message(`continue-${part}`),
      type: 'continue',
      of,
      part,
      heads: ['0'.repeat(64)],
    })
    await threads.receive(
      pen.append(JSON.stringify(forged(thread, 2)), JSON.stringify(forged(successorId(thread, 2), 1))),
    )
    expect(threads.parts(thread)).toHaveLength(1)
    await threads.receive(new Pen(signerOf(2), thread).append(JSON.stringify(forged(thread, 1))))
    expect(await shownIds(threads, thread)).toEqual(NINE.slice(0, 4))
    await threads.receive(
      pen.append(JSON.stringify(forged(thread, 1)), JSON.stringify(writerOf(signerOf(2)).message('honest-1'))),
    )
    expect((await shownIds(threads, thread)).slice(4)).toEqual(['continue-1', 'honest-1'])
  })

  test('waits until it or the one before it has grown long, so that nobody makes a thousand of them for nothing', async () => {
    const { threads, by } = await openNode(1, { maxPartEntries: 40 }) // long: 4
    const other = await openNode(3, { maxPartEntries: 40 })
    const { thread } = await threads.create(by.open())
    const author = writerOf(signerOf(2))
    const pens = Array.from({ length: 30 }, (_, i) => new Pen(signerOf(2), successorId(thread, i + 1)))
    for (const [i, pen] of pens.entries()) {
      const begun = { ...author.message(`continue-${i + 1}`), of: thread, part: i + 1, heads: ['0'.repeat(64)] }
      await threads.receive(pen.append(JSON.stringify({ ...begun, type: 'continue' })))
    }
    expect(entriesOf(threads, thread)).toEqual([1])
    await threads.append(thread, by.message('message-1'))
    await threads.append(thread, by.message('message-2'))
    expect(entriesOf(threads, thread)).toEqual([3])
    await threads.append(thread, by.message('message-3'))
    expect(entriesOf(threads, thread)).toEqual([4, 1])
    const words = ['long-word-1', 'long-word-2', 'long-word-3'].map((id) => JSON.stringify(author.message(id)))
    const [, second] = pens
    if (second === undefined) throw new Error('no second part')
    await threads.receive(second.append(...words))
    expect(entriesOf(threads, thread)).toEqual([4, 1, 4, 1])
    await repair(threads, other.threads)
    expect(other.threads.parts(thread)).toEqual(threads.parts(thread))
  })

  test('waits again when what its author signed twice leaves little of the one before it, and comes back when that has grown', async () => {
    const { threads, by } = await openNode(1, { maxPartEntries: 40 }) // long: 4
    const { thread } = await threads.create(by.open())
    const [twice, rival] = signedTwice(thread)
    await threads.receive(twice)
    await threads.append(thread, by.message('message-1'))
    expect(entriesOf(threads, thread)).toEqual([40, 2])
    await threads.receive(rival)
    expect(entriesOf(threads, thread)).toEqual([1])
    for (const id of ['message-2', 'message-3', 'message-4']) await threads.append(thread, by.message(id))
    expect(entriesOf(threads, thread)).toEqual([4, 2])
    expect((await shownIds(threads, thread)).slice(1)).toEqual([
      ...['message-2', 'message-3', 'message-4'],
      ...['continue-1', 'message-1'],
    ])
  })

  test('that has grown long stays whatever is left of the one before it', async () => {
    const { threads, by } = await openNode(1, { maxPartEntries: 40 })
    const { thread } = await threads.create(by.open())
    const [twice, rival] = signedTwice(thread)
    await threads.receive(twice)
    for (const id of ['message-1', 'message-2', 'message-3']) await threads.append(thread, by.message(id))
    await threads.receive(rival)
    expect(entriesOf(threads, thread)).toEqual([1, 4])
    expect(await threads.append(thread, by.message('message-2'))).toMatchObject({ repeated: true })
  })

  test('that comes before the one before it waits for that, and is no thread of its own', async () => {
    const { threads, thread } = await longThread(9)
    const b = await openNode(2, { maxPartEntries })
    const documents = threads.parts(thread).map(({ document }) => document)
    const bring = async (part: number) => {
      for await (const envelope of threads.envelopesAfter(documents[part] ?? thread, new Map())) {
        await b.threads.receive(envelope)
      }
    }
    await bring(2)
    expect(b.threads.list()).toEqual([])
    await bring(0)
    expect(entriesOf(b.threads, thread)).toEqual([4])
    await bring(1)
    expect(await shownIds(b.threads, thread)).toEqual(NINE)
  })

  test('of which names are kept that it does not have is found damaged', async () => {
    const { state, threads, thread, by } = await longThread(9)
    await threads.append(thread, by.message('message-10'))
    await threads.close()
    const room = state.room('threads')
    const row = await room.get(`d/${thread}`)
    if (row === undefined) throw new Error('no names of the first part')
    await room.write([{ put: `d/${thread}`, value: Buffer.concat([row.subarray(0, -8), randomBytes(8)]) }])
    await expect(verifyThreads(room, mesh)).rejects.toMatchObject({ code: 'LOG_DAMAGED' })
  })
})

describe('a long thread', () => {
  test('is archived in all of its parts, comes back with a new entry, and is archived again in the newest alone', async () => {
    const { threads, thread, by } = await longThread(9)
    await threads.append(thread, by.archive())
    expect(threads.summary(thread)?.archived).toBe(true)
    expect((await viewOf(threads, thread)).archived).toBe(true)
    expect(entriesOf(threads, thread)).toEqual([5, 5, 6]) // the newest says that it follows what archives the others
    await threads.compress(thread)
    const compressed = threads.summary(thread)
    expect(compressed?.storedBytes).toBeLessThan(compressed?.bytes ?? 0)
    expect(await threads.append(thread, by.archive())).toMatchObject({ repeated: true })
    await threads.append(thread, by.message('once-more'))
    expect(threads.summary(thread)?.archived).toBe(false)
    await threads.append(thread, by.archive('archive-2'))
    expect(entriesOf(threads, thread)).toEqual([5, 5, 6, 3])
    expect(threads.summary(thread)?.archived).toBe(true)
  })

  test('is decided by a verdict in whatever part', async () => {
    const { threads, thread, by, signer } = await longThread(9)
    const verdict: EntryOf<'verdict'> = {
      ...{ ...by.message('the-verdict'), type: 'verdict', outcome: 'approved', round: 1, proposal: null, heads: [] },
    }
    await threads.append(thread, verdict)
    expect(threads.summary(thread)?.state).toBe('approved')
    const other = await openNode(2, { maxPartEntries })
    await repair(threads, other.threads)
    expect(other.threads.list()).toEqual(threads.list())
    expect(signer.peer).not.toBe(other.signer.peer)
  })
})

test('names of a part whose log went on elsewhere are made again before they are used', async () => {
  const a = await longThread(9)
  const state = await temporaryState()
  const b = await openThreads({ ...optionsFor(state, signerOf(2)), maxPartEntries })
  await repair(a.threads, b)
  await a.threads.view(a.thread, 2)
  const pen = new Pen(signerOf(3), a.thread)
  for await (const envelope of a.threads.envelopesAfter(a.thread, new Map())) pen.learn(envelope)
  const late = writerOf(signerOf(3)).message('late-words')
  await a.threads.receive(pen.append(JSON.stringify(late)))
  const twin = new Pen(signerOf(3), successorId(a.thread, 2))
  for await (const envelope of a.threads.envelopesAfter(twin.thread, new Map())) twin.learn(envelope)
  await a.threads.receive(twin.append(JSON.stringify(late)))
  const page = await a.threads.view(a.thread, 2)
  expect(page?.entries.map(({ entry }) => entry.id)).not.toContain('late-words')
  await b.close()
})
