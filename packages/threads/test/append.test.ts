import { agentIdOf, blobHash, MAX_ENTRY_BYTES, newThreadId, readEnvelope } from '@bzzz/protocols'
import { describe, expect, test } from 'vitest'
import type { ThreadFact } from '../src/facts.ts'
import type { ThreadEvent } from '../src/port.ts'
import { openThreads } from '../src/threads.ts'
import { Pen } from './pen.ts'
import { mesh, openNode, optionsFor, repair, shownIds, signerOf, temporaryState, viewOf, writerOf } from './place.ts'

const unknownThread = newThreadId(0, new Uint8Array(10))
const numbered = (count: number) => Array.from({ length: count }, (_, i) => `message-${String(i).padStart(4, '0')}`)

describe('appending', () => {
  test('acknowledges an entry that is then in the view, with the proof of its author', async () => {
    const { threads, signer, by } = await openNode(1)
    const { thread } = await threads.create(by.open('Why?'))
    const appended = await threads.append(thread, by.message('first-message'))

    const view = await viewOf(threads, thread)
    expect(appended).toEqual({ thread, id: 'first-message', repeated: false, heads: view.heads })
    expect(view.entries.map(({ entry }) => entry.type)).toEqual(['open', 'message'])
    expect(view.entries[1]).toMatchObject({ peer: signer.peer, seq: 2, index: 0, entry: { content: 'first-message' } })
    expect(view.entries[1]?.change).toBe(view.heads[0])
  })

  test('to a thread with more heads than a change can name is taken everywhere, and the rest is named by the next ones', async () => {
    const [here, there] = [await openNode(1), await openNode(2)]
    const { thread } = await here.threads.create(here.by.open())
    const pens = Array.from({ length: 300 }, (_, i) => {
      const actor = Buffer.concat([signerOf(9).publicKey, Buffer.alloc(6), Buffer.from([i >> 8, i & 255])]).toString(
        'hex',
      )
      return new Pen(signerOf(9), thread, { actor })
    })
    for (const [i, pen] of pens.entries())
      await here.threads.receive(
        pen.append(JSON.stringify(writerOf(pen.signer).message(`head-${String(i).padStart(4, '0')}`))),
      )
    await here.threads.append(thread, here.by.message('first-of-two'))
    const { heads } = await here.threads.append(thread, here.by.message('second-of-two'))
    expect(heads).toHaveLength(1)
    await repair(here.threads, there.threads)
    expect(await shownIds(there.threads, thread)).toEqual(await shownIds(here.threads, thread))
    expect((await shownIds(there.threads, thread)).length).toBe(303)
  })

  test('writes nothing for an id that this node has used, also after a restart', async () => {
    const state = await temporaryState()
    const signer = signerOf(1)
    const by = writerOf(signer)
    const before = await openThreads(optionsFor(state, signer))
    const { thread } = await before.create(by.open())
    const twice = [before.append(thread, by.message('same-message')), before.append(thread, by.message('same-message'))]
    expect((await Promise.all(twice)).map(({ repeated }) => repeated)).toEqual([false, true])
    await before.close()

    const after = await openThreads(optionsFor(state, signer))
    const again = await after.append(thread, by.message('same-message', 'other words'))
    expect(again.repeated).toBe(true)
    expect(await shownIds(after, thread)).toEqual(['opening-entry', 'same-message'])
  })

  test('makes one change of what waits while a commit is in flight', async () => {
    const { threads, by } = await openNode(1)
    const { thread } = await threads.create(by.open())
    const events: ThreadEvent[] = []
    threads.subscribe((event) => events.push(event))

    const ids = numbered(64)
    await Promise.all(ids.map((id) => threads.append(thread, by.message(id))))
    expect(events.length).toBeLessThanOrEqual(2)
    expect(events.flatMap(({ entries }) => entries.map(({ entry }) => entry.id))).toEqual(ids)
    expect(events.every(({ own }) => own)).toBe(true)
  })

  test('keeps the order of the calls over page borders and restarts', async () => {
    const state = await temporaryState()
    const signer = signerOf(1)
    const by = writerOf(signer)
    const before = await openThreads(optionsFor(state, signer))
    const { thread } = await before.create(by.open())
    const ids = numbered(600)
    await Promise.all(ids.slice(0, 500).map((id) => before.append(thread, by.message(id))))
    await before.close()

    const after = await openThreads(optionsFor(state, signer))
    await Promise.all(ids.slice(500).map((id) => after.append(thread, by.message(id))))
    expect(await shownIds(after, thread)).toEqual(['opening-entry', ...ids])
    expect(new Set((await viewOf(after, thread)).entries.map(({ actor }) => actor)).size).toBe(2)
  })

  test('splits large entries over changes that gossip can carry', async () => {
    const { threads, by } = await openNode(1)
    const { thread } = await threads.create(by.open())
    const envelopes: Uint8Array[] = []
    threads.subscribe(({ envelope }) => envelopes.push(envelope))
    const text = Array.from({ length: 60_000 }, (_, i) => String.fromCharCode(33 + ((i * i * 31) % 90))).join('')
    await Promise.all(numbered(6).map((id) => threads.append(thread, by.message(id, text))))
    expect(envelopes.length).toBeGreaterThan(1)
    expect(Math.max(...envelopes.map(({ length }) => length))).toBeLessThan(MAX_ENTRY_BYTES + 4096)
    expect((await viewOf(threads, thread)).entries.length).toBe(7)
  })

  test('refuses what it cannot stand for', async () => {
    const { threads, by } = await openNode(1)
    const { thread } = await threads.create(by.open())
    const append = (entry: Parameters<typeof threads.append>[1]) => threads.append(thread, entry)
    const refusal = (code: string) => expect.objectContaining({ name: 'ThreadsError', code })

    await expect(append(writerOf(signerOf(2)).message('not-from-here'))).rejects.toEqual(refusal('ENTRY_INVALID'))
    await expect(append(by.message('!'))).rejects.toEqual(refusal('ENTRY_INVALID'))
    await expect(append(by.open())).rejects.toEqual(refusal('ENTRY_INVALID'))
    await expect(append(by.message('a-large-one', '\u{1F41D}'.repeat(32_768)))).rejects.toEqual(
      refusal('ENTRY_TOO_LARGE'),
    )
    await expect(threads.append(unknownThread, by.message('nowhere-to'))).rejects.toEqual(refusal('THREAD_UNKNOWN'))
    expect(await threads.view(unknownThread)).toBeUndefined()
    expect(await shownIds(threads, thread)).toEqual(['opening-entry'])
  })

  test('finishes work in hand when it is closed, then refuses', async () => {
    const { threads, by } = await openNode(1)
    const { thread } = await threads.create(by.open())
    const appended = threads.append(thread, by.message('last-message'))
    await Promise.all([threads.close(), threads.close()])
    expect((await appended).repeated).toBe(false)
    await expect(threads.append(thread, by.message('too-late-now'))).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(threads.receive(new Uint8Array())).rejects.toMatchObject({ code: 'CLOSED' })
    await expect(threads.blobs.put(new Uint8Array(1))).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('watching', () => {
  test('tells of every change after it is synced, and goes on when a listener fails', async () => {
    const facts: ThreadFact[] = []
    const { threads, by } = await openNode(1, { observe: (fact) => facts.push(fact) })
    const told: string[] = []
    threads.subscribe(() => {
      throw new Error('a deaf listener')
    })
    const stop = threads.subscribe(({ envelope }) => told.push(readEnvelope(mesh, envelope).header.hash))
    const { thread, heads } = await threads.create(by.open())
    expect(told).toEqual(heads)
    stop()
    await threads.append(thread, by.message('unheard-message'))
    expect(told.length).toBe(1)
    expect(facts.filter(({ type }) => type === 'listener-failed').length).toBe(2)
  })
})

describe('documents in memory', () => {
  test('are freed beyond the limit and built again from the log', async () => {
    const facts: ThreadFact[] = []
    const { threads, by } = await openNode(1, { maxLoaded: 2, observe: (fact) => facts.push(fact) })
    const created = []
    for (let i = 0; i < 5; i++) created.push((await threads.create(by.open(`Topic ${i}`))).thread)
    const [first] = created
    if (first === undefined) throw new Error('no thread')
    expect(facts.filter((fact) => fact.type === 'unloaded' && fact.why === 'least used').length).toBeGreaterThan(1)

    await threads.append(first, by.message('after-reload'))
    expect(await shownIds(threads, first)).toEqual(['opening-entry', 'after-reload'])
    expect(facts).toContainEqual({ type: 'loaded', thread: first, changes: 1 })
  })
})

describe('the list', () => {
  test('says of each thread what its entries say, also after a restart', async () => {
    const state = await temporaryState()
    const signer = signerOf(1)
    const by = writerOf(signer)
    const before = await openThreads({ ...optionsFor(state, signer), now: () => 1_000 })
    const { thread } = await before.create(by.open('Topic', 2_000))
    await before.append(thread, by.message('some-message', 'words', 3_000))
    expect(before.list()).toMatchObject([
      { thread, topic: 'Topic', project: 'bzzz', createdMs: 1_000, lastMs: 3_000, entries: 2, state: 'active' },
    ])
    const verdict = {
      type: 'verdict',
      id: 'the-verdict',
      author: `system@${signer.peer}`,
      ts: 4_000,
      content: '',
    } as const
    await before.append(thread, { ...verdict, outcome: 'approved', round: 1, proposal: null, heads: [] })
    const listed = before.list()
    const digest = await before.digest()
    expect(listed).toMatchObject([{ entries: 3, state: 'approved', lastMs: 4_000 }])
    await before.close()

    const after = await openThreads(optionsFor(state, signer))
    expect(after.list()).toEqual(listed)
    expect(await after.digest()).toEqual(digest)
  })

  test('believes a verdict only of the opener and of the homes of seats, and weighs two of them as a review does', async () => {
    const [a, b, c] = [await openNode(1), await openNode(2), await openNode(3)]
    const change = { blob: 'b'.repeat(64), bytes: 1, repository: 'r', base: 'a', head: 'b', title: '', files: 1 }
    const seats = [{ role: 'security', agent: agentIdOf('security', b.signer.peer) }]
    const review = { change, seats, rounds: 3, seatTimeoutMs: 60_000 }
    const { thread } = await a.threads.create({ ...a.by.open(), review })
    for (const { threads } of [b, c]) await repair(a.threads, threads)
    const verdict = (peer: string, outcome: 'approved' | 'changes_requested' | 'escalated', round: number) => {
      const said = { type: 'verdict', id: 'the-verdict', ts: 1, content: '', proposal: null, heads: [] } as const
      return { ...said, author: `system@${peer}`, outcome, round, heads: [] }
    }
    const stateOnA = () => a.threads.list()[0]?.state
    await c.threads.append(thread, verdict(c.signer.peer, 'changes_requested', 1))
    await repair(c.threads, a.threads)
    expect(stateOnA()).toBe('active')
    await a.threads.append(thread, verdict(a.signer.peer, 'escalated', 1))
    expect(stateOnA()).toBe('escalated')
    await b.threads.append(thread, verdict(b.signer.peer, 'approved', 2))
    await repair(b.threads, a.threads)
    expect(stateOnA()).toBe('approved')
  })
})

describe('blobs', () => {
  test('are kept by their hash', async () => {
    const { threads } = await openNode(1)
    const bytes = Buffer.from('the change under review')
    const hash = await threads.blobs.put(bytes)
    expect(hash).toBe(blobHash(bytes))
    expect(Buffer.from((await threads.blobs.get(hash)) ?? [])).toEqual(bytes)
    expect(await threads.blobs.put(bytes)).toBe(hash)
    expect(await threads.blobs.get('0'.repeat(64))).toBeUndefined()
    await expect(threads.blobs.put(new Uint8Array(16 * 1024 * 1024 + 1))).rejects.toMatchObject({
      code: 'BLOB_TOO_LARGE',
    })
  })
})
