import type { ThreadId } from '@bzzz/protocols'
import fc from 'fast-check'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { ThreadFact } from '../src/facts.ts'
import { immutable, Pen } from './pen.ts'
import { openNode, repair, shownIds, signerOf, viewOf, writerOf } from './place.ts'

const crdt = vi.hoisted(() => ({ fails: 'never' as 'never' | 'on several' | 'always' }))
vi.mock('../src/document.ts', async (importOriginal) => {
  const original = await importOriginal<typeof import('../src/document.ts')>()
  const applyAppends: typeof original.applyAppends = (document, changes) => {
    if (crdt.fails === 'always' || (crdt.fails === 'on several' && changes.length > 1)) throw new Error('it failed')
    return original.applyAppends(document, changes)
  }
  return { ...original, applyAppends }
})
beforeEach(() => {
  crdt.fails = 'never'
})

const thread = '01890000-0000-7000-8000-000000000000' as ThreadId
const message = (pen: Pen, id: string) => JSON.stringify(writerOf(pen.signer).message(id))

/** What a node does with one letter of a script; each pen knows what was written before by everybody. */
const moves = fc.array(
  fc.record({
    pen: fc.nat({ max: 2 }),
    kind: fc.oneof(
      { weight: 12, arbitrary: fc.constant('append' as const) },
      { weight: 1, arbitrary: fc.constantFrom('collaborative', 'foreign', 'insert', 'shape') },
    ),
    entries: fc.integer({ min: 1, max: 3 }),
    learns: fc.boolean(),
  }),
  { minLength: 5, maxLength: 40 },
)

function written(script: readonly (typeof moves extends fc.Arbitrary<infer T> ? T : never)[number][]): Uint8Array[] {
  const pens = [1, 2, 3].map((number) => new Pen(signerOf(20 + number), thread))
  const good: Uint8Array[] = []
  const all: Uint8Array[] = []
  for (const [i, { pen: number, kind, entries, learns }] of script.entries()) {
    const pen = pens[number] as Pen
    if (kind === 'append') {
      if (learns) pen.learn(...good)
      good.push(pen.append(...Array.from({ length: entries }, (_, k) => message(pen, `entry-${i}-${k}`))))
      all.push(good.at(-1) as Uint8Array)
      continue
    }
    // written with an actor of its own, so that what it spoils does not follow from it
    const bad = new Pen(pen.signer, thread, { suffix: 40 + i }).learn(...good)
    all.push(bad.write((draft) => misdeeds[kind](draft.log as never, bad)))
  }
  return all
}

type Log = Record<string, unknown[]>
const misdeeds = {
  collaborative: (log: Log, pen: Pen) => (log[`${pen.actor}/0`] = ['words']),
  foreign: (log: Log, pen: Pen) => (log[`${'cd'.repeat(40)}/0`] = [immutable(message(pen, 'entry-of-nobody'))]),
  insert: (log: Log, pen: Pen) => {
    const [page] = Object.keys(log)
    if (page === undefined) log.none = []
    else log[page]?.unshift(immutable(message(pen, 'before-all-others')))
  },
  shape: (log: Log, pen: Pen) => (log[`${pen.actor}/0`] = [7]),
}

describe('many changes at once', () => {
  test('end as they do one by one: the same taken, the same refused, the same shown', async () => {
    await fc.assert(
      fc.asyncProperty(moves, async (script) => {
        const envelopes = written(script)
        const [together, apart] = [await openNode(1), await openNode(2)]
        const atOnce = await Promise.all(envelopes.map((envelope) => together.threads.receive(envelope)))
        const oneByOne = []
        for (const envelope of envelopes) oneByOne.push(await apart.threads.receive(envelope))
        expect(atOnce).toEqual(oneByOne)
        expect(await together.threads.vector(thread)).toEqual(await apart.threads.vector(thread))
        const [a, b] = [await together.threads.view(thread), await apart.threads.view(thread)]
        expect(a?.entries).toEqual(b?.entries)
        expect(a?.heads).toEqual(b?.heads)
      }),
      { numRuns: 25 },
    )
  })

  test('a bad one among many is the one that is refused', async () => {
    const { threads } = await openNode(1)
    const [honest, mallory] = [new Pen(signerOf(21), thread), new Pen(signerOf(22), thread)]
    const envelopes = Array.from({ length: 100 }, (_, i) => honest.append(message(honest, `message-${i}`)))
    const bad = mallory.learn(...envelopes.slice(0, 50)).write((draft) => draft.log[`${honest.actor}/0`]?.splice(3, 1))
    const received = await Promise.all(envelopes.toSpliced(50, 0, bad).map((one) => threads.receive(one)))
    expect(received.filter(({ status }) => status === 'applied').length).toBe(100)
    expect(received[50]).toMatchObject({ status: 'refused', code: 'NOT_AN_APPEND', author: mallory.signer.peer })
    expect((await shownIds(threads, thread)).length).toBe(100)
  })

  test('are tried one by one when the CRDT fails on them, and then together again', async () => {
    const facts: ThreadFact[] = []
    const { threads, by } = await openNode(1, { observe: (fact) => facts.push(fact) })
    const pen = new Pen(signerOf(21), thread)
    const envelopes = Array.from({ length: 20 }, (_, i) => pen.append(message(pen, `message-${i}`)))
    crdt.fails = 'on several'
    const outcomes = envelopes.map((envelope) => threads.receive(envelope))
    const received = await Promise.all(outcomes)
    expect(received.every(({ status }) => status === 'applied')).toBe(true)
    expect(facts.filter(({ type }) => type === 'retried').length).toBe(1)
    crdt.fails = 'never'
    await threads.append(thread, by.message('still-working'))
    expect((await viewOf(threads, thread)).entries.length).toBe(21)
    const copy = await openNode(2)
    await repair(threads, copy.threads)
    expect(await shownIds(copy.threads, thread)).toEqual(await shownIds(threads, thread))
  })

  test('and when it fails on each, each is kept apart and not tried again', async () => {
    const { threads, by } = await openNode(1)
    const { thread: own } = await threads.create(by.open())
    const pen = new Pen(signerOf(21), own)
    const envelopes = [pen.append(message(pen, 'message-1')), pen.append(message(pen, 'message-2'))]
    crdt.fails = 'always'
    const received = await Promise.all(envelopes.map((envelope) => threads.receive(envelope)))
    expect(received).toMatchObject([{ status: 'refused', code: 'CRDT_REFUSED' }, { status: 'lost' }])
    crdt.fails = 'never'
    expect(await threads.receive(envelopes[0] as Uint8Array)).toMatchObject({ status: 'lost' })
    expect((await viewOf(threads, own)).entries.length).toBe(1)
  })
})
