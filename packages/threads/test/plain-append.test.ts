import * as Automerge from '@automerge/automerge'
import { type ChangeHeader, inspectChange, newThreadId } from '@bzzz/protocols'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { buildDocument, genesisChange } from '../src/document.ts'
import { type Change, History } from '../src/history.ts'
import { madeAppend } from '../src/made-append.ts'
import { plainTexts } from '../src/plain-append.ts'
import { appendTexts } from './automerge-append.ts'
import { immutable, Pen } from './pen.ts'
import { signerOf } from './place.ts'

const thread = newThreadId(1, Buffer.alloc(10, 3))
const genesis = genesisChange(thread)

const actors = fc.constantFrom('00', '5a', 'ff').map((first) => `${first}${'7b'.repeat(39)}`)
const text = fc.string({ minLength: 1, maxLength: 40, unit: 'binary' })
const texts = fc.array(text, { minLength: 1, maxLength: 40 })

describe('an append of an honest writer', () => {
  test('is made and told without the CRDT as with it, whoever else writes, however many entries and pages', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(actors, texts), { minLength: 1, maxLength: 30 }), (appends) => {
        const history = new History(inspectChange(genesis).hash, 10)
        const log: Uint8Array[] = [genesis]
        for (const [actor, written] of appends) {
          const count = history.count(actor)
          const room = 256 - (count % 256)
          const fitting = written.slice(0, room).map((text) => text.toWellFormed())
          const document = buildDocument(actor, log)
          const { change } = appendTexts(document, count, fitting)
          const placed = placeIn(history, inspectChange(change))
          expectMadeAlike(history, actor, fitting, change)
          expect(textsOf(history, placed, change)).toEqual(fitting)
          history.add(placed)
          log.push(change)
          Automerge.free(document)
        }
      }),
      { numRuns: 60 },
    )
  })

  test('over many pages in one go', () => {
    const history = new History(inspectChange(genesis).hash, 10)
    const actor = 'ab'.repeat(40)
    let document = buildDocument(actor, [genesis])
    for (let count = 0; count < 2_000; ) {
      const written = Array.from({ length: Math.min(100, 256 - (count % 256)) }, (_, i) => `entry ${count + i}`)
      const appended = appendTexts(document, count, written)
      const placed = placeIn(history, inspectChange(appended.change))
      expect(textsOf(history, placed, appended.change)).toEqual(written)
      history.add(placed)
      document = appended.document
      count += written.length
    }
  })
})

describe('no append', () => {
  const pen = () => new Pen(signerOf(9), thread)
  test.each([
    ['an edit of the id', (it: Pen) => it.change((draft) => (draft.id = immutable('mine')))],
    [
      'a new page with collaborative text',
      (it: Pen) => it.change((draft) => (draft.log[`${it.actor}/0`] = ['hi'] as never)),
    ],
    ['a page that is not the next', (it: Pen) => it.change((draft) => (draft.log[`${it.actor}/1`] = [immutable('x')]))],
    ['a page of numbers', (it: Pen) => it.change((draft) => (draft.log[`${it.actor}/0`] = [7] as never))],
    ["another's page", (it: Pen) => it.change((draft) => (draft.log[`${'cd'.repeat(40)}/0`] = [immutable('x')]))],
  ] as const)('%s', (_, write) => {
    const it = pen()
    const change = write(it)
    const history = new History(inspectChange(genesis).hash, 10)
    const placement = history.place(inspectChange(change))
    if (placement.status === 'next') expect(textsOf(history, placement.change, change)).toBeUndefined()
  })

  test.each([
    ['an empty entry', ['']],
    ['one among others', ['one', '', 'two']],
  ])('%s', (_, written) => {
    const it = pen()
    const change = it.change((draft) => (draft.log[`${it.actor}/0`] = written.map(immutable)))
    const history = new History(inspectChange(genesis).hash, 10)
    expect(textsOf(history, placeIn(history, inspectChange(change)), change)).toBeUndefined()
  })

  test('entries that stand in another order than they were written in', () => {
    const it = pen()
    const change = it.change((draft) => {
      const page: unknown[] = []
      draft.log[`${it.actor}/0`] = page as never
      draft.log[`${it.actor}/0`]?.splice(0, 0, immutable('second'))
      draft.log[`${it.actor}/0`]?.splice(0, 0, immutable('first'))
    })
    const history = new History(inspectChange(genesis).hash, 10)
    expect(textsOf(history, placeIn(history, inspectChange(change)), change)).toBeUndefined()
  })

  test('an entry put before others, or into a page of another actor of the same key', () => {
    const it = pen()
    const other = new Pen(signerOf(9), thread, { suffix: 2 })
    const history = new History(inspectChange(genesis).hash, 10)
    const first = it.change((draft) => (draft.log[`${it.actor}/0`] = [immutable('one'), immutable('two')]))
    history.add(placeIn(history, inspectChange(first)))
    other.learn(it.seal(first))
    const before = it.change((draft) => draft.log[`${it.actor}/0`]?.splice(1, 0, immutable('between')))
    expect(textsOf(history, placeIn(history, inspectChange(before)), before)).toBeUndefined()
    const foreign = other.change((draft) => {
      draft.log[`${it.actor}/0`]?.push(immutable('foreign'))
      draft.log[`${it.actor}/0`]?.push(immutable('foreign'))
    })
    expect(textsOf(history, placeIn(history, inspectChange(foreign)), foreign)).toBeUndefined()
  })
})

function expectMadeAlike(history: History, actor: string, texts: readonly string[], change: Uint8Array): void {
  const made = madeAppend(history.next(actor, texts.length), texts)
  expect(Buffer.from(made.change).toString('hex')).toBe(Buffer.from(change).toString('hex'))
  expect(made.header).toEqual(inspectChange(change))
}

function placeIn(history: History, header: ChangeHeader): Change {
  const placement = history.place(header)
  if (placement.status !== 'next') throw new Error(placement.status)
  return placement.change
}

function textsOf(history: History, change: Change, bytes: Uint8Array): string[] | undefined {
  return plainTexts(bytes, { ...change, entryOp: history.at(change.actor, change.seq - 1)?.lastOp ?? 0 })
}
