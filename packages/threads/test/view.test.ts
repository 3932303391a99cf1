import { describe, expect, test } from 'vitest'
import type { ThreadFact } from '../src/facts.ts'
import { Pen } from './pen.ts'
import { openNode, repair, shownIds, signerOf, viewOf, writerOf } from './place.ts'

const mallory = signerOf(9)

/** Two nodes that have the same thread and have not spoken since. */
async function twoNodes() {
  const a = await openNode(1)
  const b = await openNode(2)
  const { thread } = await a.threads.create(a.by.open())
  await repair(a.threads, b.threads)
  return { a, b, thread, meet: async () => [await repair(a.threads, b.threads), await repair(b.threads, a.threads)] }
}

describe('the order of entries', () => {
  test('puts causes first, whatever the clocks say', async () => {
    const { a, b, thread, meet } = await twoNodes()
    await a.threads.append(thread, a.by.message('the-question', '', 9_000))
    await meet()
    await b.threads.append(thread, b.by.message('the-answer', '', 10))
    await meet()
    await a.threads.append(thread, a.by.message('the-thanks', '', 9_001))
    await meet()
    const expected = ['opening-entry', 'the-question', 'the-answer', 'the-thanks']
    expect(await shownIds(a.threads, thread)).toEqual(expected)
    expect(await shownIds(b.threads, thread)).toEqual(expected)
  })

  test('puts entries that do not know of each other by time, then by id', async () => {
    const { a, b, thread, meet } = await twoNodes()
    await a.threads.append(thread, a.by.message('late-on-a', '', 300))
    await b.threads.append(thread, b.by.message('early-on-b', '', 200))
    await b.threads.append(thread, b.by.message('latest-on-b', '', 400))
    await meet()
    const expected = ['opening-entry', 'early-on-b', 'late-on-a', 'latest-on-b']
    expect(await shownIds(a.threads, thread)).toEqual(expected)
    expect(await shownIds(b.threads, thread)).toEqual(expected)

    await b.threads.append(thread, b.by.message('zebra-on-b', '', 500))
    await a.threads.append(thread, a.by.message('apple-on-a', '', 500))
    await meet()
    expect((await shownIds(b.threads, thread)).slice(-2)).toEqual(['apple-on-a', 'zebra-on-b'])
  })

  test('tells which entry precedes which, and which do not know of each other', async () => {
    const { a, b, thread, meet } = await twoNodes()
    await Promise.all(['first-on-a', 'second-on-a'].map((id) => a.threads.append(thread, a.by.message(id))))
    await b.threads.append(thread, b.by.message('alone-on-b'))
    await meet()
    await b.threads.append(thread, b.by.message('after-both'))
    const view = await viewOf(b.threads, thread)
    const precedes = (x: string, y: string) => {
      const [p, q] = [x, y].map((id) => view.entries.find(({ entry }) => entry.id === id))
      return p !== undefined && q !== undefined && view.precedes(p, q)
    }
    expect(precedes('opening-entry', 'alone-on-b')).toBe(true)
    expect(precedes('first-on-a', 'second-on-a')).toBe(true)
    expect(precedes('second-on-a', 'first-on-a')).toBe(false)
    expect(precedes('first-on-a', 'first-on-a')).toBe(false)
    expect(precedes('second-on-a', 'alone-on-b') || precedes('alone-on-b', 'second-on-a')).toBe(false)
    expect(precedes('second-on-a', 'after-both') && precedes('alone-on-b', 'after-both')).toBe(true)
    expect(precedes('after-both', 'opening-entry')).toBe(false)
  })

  test('stays as it was in a view that was asked for before', async () => {
    const { a, thread } = await twoNodes()
    const before = await viewOf(a.threads, thread)
    await a.threads.append(thread, a.by.message('added-later'))
    expect(before.entries.length).toBe(1)
    expect((await viewOf(a.threads, thread)).entries.length).toBe(2)
  })
})

describe('entries that are not shown', () => {
  test('are counted by their reason', async () => {
    const facts: ThreadFact[] = []
    const { threads, by } = await openNode(1, { observe: (fact) => facts.push(fact) })
    const opening: Uint8Array[] = []
    threads.subscribe(({ envelope }) => opening.push(envelope))
    const { thread } = await threads.create(by.open())
    const mine = writerOf(mallory)
    const texts = [
      '{"type":',
      JSON.stringify({ ...mine.message('no-such-type'), type: 'gossip' }),
      JSON.stringify(mine.message('much-too-large', 'x'.repeat(130_000))),
      JSON.stringify({ ...mine.message('no-such-money'), cost: '1.0' }),
      JSON.stringify(by.message('not-my-words')),
      JSON.stringify(mine.open('My terms now', 0)),
      JSON.stringify(mine.message('my-own-words')),
      JSON.stringify(mine.message('my-own-words', 'once more')),
    ]
    const pen = new Pen(mallory, thread).learn(...opening)
    expect(await threads.receive(pen.append(...texts))).toMatchObject({ status: 'applied' })
    expect(await shownIds(threads, thread)).toEqual(['opening-entry', 'my-own-words'])
    const hidden = facts.flatMap((fact) => (fact.type === 'hidden' ? [fact.reason] : []))
    expect(hidden).toEqual(['shape', 'shape', 'shape', 'shape', 'author', 'opener', 'duplicate'])
    expect(threads.list()).toMatchObject([{ entries: 2 }])
  })

  test('of two with one (peer, id) everybody shows the one in the change with the smaller hash', async () => {
    const a = await openNode(1)
    const b = await openNode(2)
    const { thread } = await a.threads.create(a.by.open())
    await repair(a.threads, b.threads)
    const mine = writerOf(mallory)
    const twins = [1, 2].map((suffix) => {
      const pen = new Pen(mallory, thread, { suffix })
      return pen.append(JSON.stringify(mine.message('same-message', `by ${suffix}`)))
    })
    for (const envelope of twins) await a.threads.receive(envelope)
    for (const envelope of twins.toReversed()) await b.threads.receive(envelope)
    const [onA, onB] = [await viewOf(a.threads, thread), await viewOf(b.threads, thread)]
    expect(onA.heads.length).toBe(3)
    expect(onA.entries).toEqual(onB.entries)
    expect(onA.entries.filter(({ peer }) => peer === mallory.peer).map(({ change }) => change)).toEqual(
      onA.heads.filter((head) => head !== onA.entries.find(({ entry }) => entry.type === 'open')?.change).slice(0, 1),
    )
  })
})
