import { readEnvelope } from '@bzzz/protocols'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Cut, cutBy, earlier, lostOf } from '../src/equivocation.ts'
import type { ThreadFact } from '../src/facts.ts'
import type { ThreadEvent } from '../src/port.ts'
import { openThreads } from '../src/threads.ts'
import { verifyThreads } from '../src/verify.ts'
import { immutable, Pen } from './pen.ts'
import { mesh, openNode, optionsFor, repair, shownIds, signerOf, viewOf, writerOf } from './place.ts'

const [mallory, oscar] = [signerOf(8), signerOf(9)]

/** A node with a thread, and what it told of. */
async function place() {
  const facts: ThreadFact[] = []
  const node = await openNode(1, { observe: (fact) => facts.push(fact) })
  const events: ThreadEvent[] = []
  node.threads.subscribe((event) => events.push(event))
  const { thread } = await node.threads.create(node.by.open())
  const told = () => events.flatMap(({ lost, envelope }) => (lost.length > 0 ? [] : [envelope]))
  return { ...node, thread, facts, events, told }
}

/** Changes of one actor with one number, on top of the same, the one with the smallest hash first. */
function branches(signer: typeof mallory, known: Pen['thread'], told: Uint8Array[]) {
  const made = [0, 1]
    .map((i) => {
      const pen = new Pen(signer, known).learn(...told)
      const envelope = pen.append(JSON.stringify(writerOf(signer).message(`branch-${i}-of-it`)))
      return { pen, envelope, hash: readEnvelope(mesh, envelope).header.hash, id: `branch-${i}-of-it` }
    })
    .sort((a, b) => (a.hash < b.hash ? -1 : 1))
  const [winner, loser] = made
  if (winner === undefined || loser === undefined) throw new Error('no branches')
  return { winner, loser }
}

describe('where an actor ends', () => {
  const found = fc.array(fc.record({ seq: fc.integer({ min: 1, max: 4 }), one: fc.nat(5), other: fc.nat(5) }))
  const hashOf = (number: number) => number.toString(16).padStart(64, '0')

  test('does not depend on the order in which clashes are found, nor on how often', () => {
    const endOf = (clashes: readonly { seq: number; one: number; other: number }[]) => {
      const cut = clashes.reduce<Cut | undefined>(
        (end, { seq, one, other }) => cutBy({ seq, hash: hashOf(one) }, { hash: hashOf(other) }, end),
        undefined,
      )
      return cut === undefined ? undefined : { seq: cut.seq, hash: cut.hash }
    }
    fc.assert(
      fc.property(found, found, (clashes, more) => {
        expect(endOf([...clashes, ...more, ...clashes])).toEqual(endOf([...more, ...clashes]))
        expect(endOf([...clashes, ...more].toReversed())).toEqual(endOf([...clashes, ...more]))
      }),
    )
  })

  test('only moves towards the beginning, so what is lost stays lost', () => {
    const [a, b] = [
      { seq: 3, hash: hashOf(1), rival: hashOf(2) },
      { seq: 2, hash: hashOf(5), rival: hashOf(6) },
    ]
    const log = [1, 2, 3, 4].map((seq) => ({
      actor: 'x',
      seq,
      hash: hashOf(seq === 3 ? 1 : seq + 10),
      deps: [hashOf(seq + 9)],
    }))
    const follower = { actor: 'y', seq: 1, hash: hashOf(99), deps: [hashOf(14)] }
    const before = lostOf([...log, follower], new Map([['x', earlier(undefined, a)]]))
    const after = lostOf([...log, follower], new Map([['x', earlier(a, b)]]))
    expect([...before.keys()]).toEqual([hashOf(14), hashOf(99)])
    for (const hash of before.keys()) expect(after.has(hash)).toBe(true)
    expect(earlier(b, a)).toBe(b)
  })
})

describe('of two changes with one number', () => {
  test('the smaller stands whichever came first, and what is known is not news again', async () => {
    for (const isWinnerFirst of [true, false]) {
      const { threads, thread, told, facts } = await place()
      const { winner, loser } = branches(mallory, thread, told())
      const [first, second] = isWinnerFirst ? [winner, loser] : [loser, winner]
      expect(await threads.receive(first.envelope)).toMatchObject({ status: 'applied' })
      expect(await threads.receive(second.envelope)).toMatchObject({ status: isWinnerFirst ? 'lost' : 'applied' })
      expect(await shownIds(threads, thread)).toEqual(['opening-entry', winner.id])
      expect(await threads.receive(loser.envelope)).toMatchObject({ status: 'lost' })
      expect(await threads.receive(winner.envelope)).toMatchObject({ status: 'repeat' })
      expect(await threads.receive(winner.pen.append('what it says next'))).toMatchObject({ status: 'lost' })
      expect(facts.filter(({ type }) => type === 'cut')).toMatchObject([{ author: mallory.peer, seq: 1 }])
    }
  })

  test('both in one commit leave the proof on disk', async () => {
    const { threads, thread, told, state } = await place()
    const { winner, loser } = branches(mallory, thread, told())
    await Promise.all([threads.receive(loser.envelope), threads.receive(winner.envelope)])
    expect(await shownIds(threads, thread)).toEqual(['opening-entry', winner.id])
    await threads.close()
    await verifyThreads(state.room('threads'), mesh)
  })

  test('a winner that comes long after takes along what was built on the loser; own entries are written again, once', async () => {
    const { threads, thread, told, events, by, state, signer } = await place()
    const { winner, loser } = branches(mallory, thread, told())
    await threads.receive(loser.envelope)
    await threads.append(thread, by.message('answer-to-it'))
    await threads.append(thread, by.message('answer-to-all'))
    events.length = 0
    expect(await threads.receive(winner.envelope)).toMatchObject({ status: 'applied' })
    const [cut, again] = events
    expect(cut?.lost.map(({ entry }) => entry.id)).toEqual([loser.id, 'answer-to-it', 'answer-to-all'])
    expect(again).toMatchObject({ own: true })
    expect(again?.entries.map(({ entry }) => entry.id)).toEqual(['answer-to-it', 'answer-to-all'])
    expect((await shownIds(threads, thread)).toSorted()).toEqual(
      ['opening-entry', 'answer-to-it', 'answer-to-all', winner.id].toSorted(),
    )
    expect(await threads.append(thread, by.message('answer-to-it'))).toMatchObject({ repeated: true })
    expect(threads.list()).toMatchObject([{ entries: 4 }])
    await threads.close()
    await verifyThreads(state.room('threads'), mesh)
    const reopened = await openThreads(optionsFor(state, signer))
    onTestFinished(() => reopened.close())
    expect((await shownIds(reopened, thread)).length).toBe(4)
    expect(await reopened.receive(loser.envelope)).toMatchObject({ status: 'lost' })
  })

  test('a winner beats before its causes have come, and is shown once they have, also after a restart', async () => {
    const { threads, thread, told, state, signer } = await place()
    const cause = new Pen(oscar, thread).learn(...told())
    const caused = cause.append(JSON.stringify(writerOf(oscar).message('the-cause-of-it')))
    const { loser } = branches(mallory, thread, told())
    let early: { envelope: Uint8Array; hash: string } | undefined
    for (let i = 0; early === undefined || early.hash > loser.hash; i++) {
      const pen = new Pen(mallory, thread).learn(...told(), caused)
      const envelope = pen.append(JSON.stringify(writerOf(mallory).message(`it-comes-early-${i}`)))
      early = { envelope, hash: readEnvelope(mesh, envelope).header.hash }
    }
    await threads.receive(loser.envelope)
    expect(await threads.receive(early.envelope)).toMatchObject({ status: 'held' })
    expect(await shownIds(threads, thread)).toEqual(['opening-entry'])
    await threads.close()
    const reopened = await openThreads(optionsFor(state, signer))
    onTestFinished(() => reopened.close())
    await reopened.receive(caused)
    expect((await shownIds(reopened, thread)).length).toBe(3)
  })

  test('two members whose branches follow each other leave all nodes the same, whatever each heard first', async () => {
    const { threads, thread, told } = await place()
    const one = branches(mallory, thread, told())
    const upon = (branch: { envelope: Uint8Array }) => branches(oscar, thread, [...told(), branch.envelope])
    const [high, low] = [upon(one.loser), upon(one.winner)]
    const all = [one.loser, high.loser, high.winner, one.winner, low.loser, low.winner].map(({ envelope }) => envelope)
    const other = await openNode(2)
    for (const envelope of all) await threads.receive(envelope)
    await repair(threads, other.threads)
    const third = await openNode(3)
    await repair(threads, third.threads)
    for (const envelope of all.toReversed()) await third.threads.receive(envelope)
    for (let round = 0; round < 3; round++) {
      for (const from of [threads, other.threads, third.threads]) {
        for (const to of [threads, other.threads, third.threads]) await repair(from, to)
      }
    }
    const { heads } = await viewOf(threads, thread)
    for (const node of [other, third]) expect((await viewOf(node.threads, thread)).heads).toEqual(heads)
  })

  test('nodes that hold one each come to the same by repair alone, and have nothing more to say then', async () => {
    const { threads, thread, told, by } = await place()
    const b = await openNode(2)
    await repair(threads, b.threads)
    const { winner, loser } = branches(mallory, thread, told())
    await threads.receive(loser.envelope)
    await threads.append(thread, by.message('answer-by-one'))
    await b.threads.receive(winner.envelope)
    await b.threads.receive(winner.pen.append(JSON.stringify(writerOf(mallory).message('the-next-of-it'))))
    await b.threads.append(thread, b.by.message('answer-by-two'))
    for (let round = 0; round < 3; round++) {
      await repair(threads, b.threads)
      await repair(b.threads, threads)
    }
    expect(await threads.digest()).toEqual(await b.threads.digest())
    const ids = ['opening-entry', winner.id, 'answer-by-one', 'answer-by-two']
    expect((await shownIds(threads, thread)).toSorted()).toEqual(ids.toSorted())
    expect((await viewOf(b.threads, thread)).entries).toEqual((await viewOf(threads, thread)).entries)
    for await (const _ of threads.envelopesAfter(thread, await b.threads.vector(thread))) expect.unreachable()
  })
})

describe("a copy of this node's store, in use elsewhere", () => {
  test('that is ahead makes this one draw a new actor; nothing is lost', async () => {
    const { threads, thread, told, by, signer } = await place()
    const actor = (await viewOf(threads, thread)).entries[0]?.actor ?? ''
    const copy = new Pen(signer, thread, { actor }).learn(...told())
    const ahead = copy.append(JSON.stringify(by.message('from-the-copy')))
    expect(await threads.receive(ahead)).toMatchObject({ status: 'applied' })
    await threads.append(thread, by.message('from-this-one'))
    const { entries } = await viewOf(threads, thread)
    expect(entries.map(({ entry }) => entry.id).toSorted()).toEqual(
      ['opening-entry', 'from-the-copy', 'from-this-one'].toSorted(),
    )
    expect(new Set(entries.map((viewed) => viewed.actor)).size).toBe(2)
  })

  test('that clashes costs nothing that this one had acknowledged, also when little memory makes it forget the thread', async () => {
    const { threads, thread, told, by, signer } = await place()
    const actor = (await viewOf(threads, thread)).entries[0]?.actor ?? ''
    const copy = new Pen(signer, thread, { actor }).learn(...told())
    const clash = copy.append(JSON.stringify(by.message('from-the-copy')))
    await threads.append(thread, by.message('from-this-one'))
    await threads.append(thread, by.message('from-this-too'))
    await threads.receive(clash)
    for (let i = 0; i < 60; i++) await threads.create(by.open())
    await threads.append(thread, by.message('from-this-last'))
    const ids = await shownIds(threads, thread)
    for (const id of ['from-this-one', 'from-this-too', 'from-this-last']) expect(ids).toContain(id)
    const other = await openNode(2)
    await repair(threads, other.threads)
    expect(await shownIds(other.threads, thread)).toEqual(ids)
  })
})

test('what is no append never comes to the document, and what follows it waits for nothing that will come', async () => {
  const { threads, thread, told, facts } = await place()
  const pen = new Pen(mallory, thread).learn(...told())
  const bad = pen.write((draft) => Object.assign(draft, { extra: 1, more: 2 }))
  const follower = pen.write((draft) => (draft.log[`${pen.actor}/0`] = [immutable('x')]))
  for (let i = 0; i < 2; i++)
    expect(await threads.receive(bad)).toMatchObject({ status: 'refused', code: 'NOT_AN_APPEND' })
  expect(await threads.receive(follower)).toMatchObject({ status: 'held' })
  expect(facts.map(({ type }) => type)).not.toContain('unloaded')
})
