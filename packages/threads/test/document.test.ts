import { readFileSync } from 'node:fs'
import * as Automerge from '@automerge/automerge'
import { inspectChange, type ThreadId } from '@bzzz/protocols'
import { expect, test } from 'vitest'
import {
  applyAppends,
  buildDocument,
  GENESIS_OPS,
  genesisChange,
  headsOf,
  PAGE_ENTRIES,
  placeOf,
  saveDocument,
  type ThreadDocument,
} from '../src/document.ts'
import { appendTexts } from './automerge-append.ts'

const thread = '01890000-0000-7000-8000-000000000000' as ThreadId
const actor = '5a'.repeat(40)
const golden = JSON.parse(readFileSync(new URL('golden/document.json', import.meta.url), 'utf8')) as Record<
  string,
  string
>
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

test('the bytes of a thread change only together with their spec', () => {
  const genesis = genesisChange(thread)
  const first = appendTexts(buildDocument(actor, [genesis]), 0, ['first', 'second'])
  const second = appendTexts(first.document, 2, ['third'])
  expect({ genesis: hex(genesis), first: hex(first.change), second: hex(second.change) }).toEqual(golden)
})

test('the genesis has the operations that history counts it with', () => {
  expect(inspectChange(genesisChange(thread))).toMatchObject({ actor: '00', seq: 1, startOp: 1, ops: GENESIS_OPS })
})

test('a page takes 256 entries, then the next one starts', () => {
  expect(placeOf(actor, 0)).toEqual({ page: `${actor}/0`, index: 0, room: 256 })
  expect(placeOf(actor, 255)).toEqual({ page: `${actor}/0`, index: 255, room: 1 })
  expect(placeOf(actor, 256)).toEqual({ page: `${actor}/1`, index: 0, room: 256 })
})

test('a document applied change by change is the one that is built at once', () => {
  let writer = buildDocument(actor, [genesisChange(thread)])
  const reader = buildDocument('6b'.repeat(40), [genesisChange(thread)])
  const changes = [genesisChange(thread)]
  for (let count = 0; count < PAGE_ENTRIES + 64; count += 64) {
    const texts = Array.from({ length: 64 }, (_, i) => `entry ${count + i}`)
    const appended = appendTexts(writer, count, texts)
    applyAppends(reader, [appended.change])
    writer = appended.document
    changes.push(appended.change)
  }
  const rebuilt = buildDocument('7c'.repeat(40), changes)
  expect(headsOf(rebuilt)).toEqual(headsOf(reader))
  const pages = [reader, rebuilt].map((document) => Automerge.load<ThreadDocument>(saveDocument(document)).log)
  expect(pages[0]).toEqual(pages[1])
  expect(pages[0]?.[`${actor}/1`]).toHaveLength(64)
})
