import * as Automerge from '@automerge/automerge'
import { readEnvelope } from '@bzzz/protocols'
import { describe, expect, test } from 'vitest'
import { genesisChange } from '../src/document.ts'
import type { ThreadFact } from '../src/facts.ts'
import { appendEntry, type Handle, type Sponsor } from '../src/laptop.ts'
import { Pen } from './pen.ts'
import { mesh, openNode, repair, shownIds, signerOf, viewOf, writerOf } from './place.ts'

/** What automerge-repo's handle does, of a document that came from the node. */
class TestHandle implements Handle {
  document: Automerge.Doc<unknown>
  constructor(changes: readonly Uint8Array[]) {
    ;[this.document] = Automerge.applyChanges(Automerge.init<unknown>(), [...changes])
  }
  doc(): Automerge.Doc<unknown> {
    return this.document
  }
  update(callback: (doc: Automerge.Doc<unknown>) => Automerge.Doc<unknown>): void {
    this.document = callback(this.document)
  }
  change(callback: (draft: unknown) => void): void {
    this.document = Automerge.change(this.document, callback)
  }
  lastChange(): Uint8Array {
    const change = Automerge.getLastLocalChange(this.document)
    if (change === undefined) throw new Error('nothing was written')
    return change
  }
}

async function nodeWithLaptop() {
  const facts: ThreadFact[] = []
  const node = await openNode(1, { observe: (fact) => facts.push(fact) })
  const { thread } = await node.threads.create(node.by.open())
  const sponsor: Sponsor = {
    key: Buffer.from(node.signer.publicKey).toString('hex'),
    author: `human:alice@${node.signer.peer}`,
  }
  const envelopes: Uint8Array[] = []
  for await (const envelope of node.threads.envelopesAfter(thread, new Map())) envelopes.push(envelope)
  const pen = new Pen(node.signer, thread, { actor: `${sponsor.key}${'05'.repeat(16)}` }).learn(...envelopes)
  const handle = new TestHandle([genesisChange(thread), ...envelopes.map((bytes) => readEnvelope(mesh, bytes).change)])
  const hidden = () => facts.flatMap((fact) => (fact.type === 'hidden' ? [fact.reason] : []))
  return { ...node, thread, sponsor, pen, hidden, handle }
}

describe('a laptop that speaks through a node', () => {
  test('appends with the documented function what every node takes and shows as its own', async () => {
    const { threads, signer, thread, sponsor, pen, handle } = await nodeWithLaptop()
    const id = appendEntry(handle, { content: 'from the train' }, sponsor)
    await expect(threads.receive(pen.seal(handle.lastChange()))).resolves.toMatchObject({ status: 'applied' })
    const { entries } = await viewOf(threads, thread)
    expect(entries.map(({ laptop }) => laptop)).toEqual([false, true])
    expect(entries.at(-1)).toMatchObject({
      peer: signer.peer,
      actor: Automerge.getActorId(handle.document),
      entry: { id, type: 'message', author: sponsor.author, content: 'from the train' },
    })
    const other = await openNode(2)
    await repair(threads, other.threads)
    expect(await shownIds(other.threads, thread)).toEqual(await shownIds(threads, thread))
  })

  test.each([
    ['a refusal', { status: 401, code: 'TOKEN_REQUIRED' }],
    ['a sponsor without an author', { key: 'ab'.repeat(32) }],
  ])('writes nothing for %s instead of a sponsor, and says so', async (_, answer) => {
    const { handle } = await nodeWithLaptop()
    const before = Automerge.getHeads(handle.document)
    expect(() => appendEntry(handle, { content: 'x' }, answer as unknown as Sponsor)).toThrow('GET /sync/info')
    expect(Automerge.getHeads(handle.document)).toEqual(before)
  })

  test('begins a page after every 256 entries', async () => {
    const { threads, thread, sponsor, pen, handle } = await nodeWithLaptop()
    for (let i = 0; i < 260; i++) {
      appendEntry(handle, { content: `${i}` }, sponsor)
      await threads.receive(pen.seal(handle.lastChange()))
    }
    expect((await viewOf(threads, thread)).entries).toHaveLength(261)
  })

  test('cannot take the id of an entry that its sponsor writes later', async () => {
    const { threads, thread, by, pen, sponsor } = await nodeWithLaptop()
    const message = { ...by.message('a-turns-id-that-was-foretold'), author: sponsor.author }
    await threads.receive(pen.append(JSON.stringify(message)))
    await expect(threads.append(thread, by.message('a-turns-id-that-was-foretold'))).resolves.toMatchObject({
      repeated: false,
    })
    const { entries } = await viewOf(threads, thread)
    expect(entries.map(({ laptop, entry }) => [laptop, entry.id])).toEqual([
      [false, 'opening-entry'],
      [true, 'a-turns-id-that-was-foretold'],
      [false, 'a-turns-id-that-was-foretold'],
    ])
  })

  test.each([
    ['an agent', (peer: string) => ({ author: `reviewer@${peer}` }), 'laptop'],
    ['a person of another node', () => ({ author: `human:alice@${signerOf(2).peer}` }), 'author'],
    ['what a turn cost', () => ({ cost: '1' }), 'laptop'],
    ['a turn', () => ({ turn: 'a'.repeat(64) }), 'laptop'],
    ['an archive', () => ({ type: 'archive' }), 'laptop'],
    ['a note that pauses', () => ({ type: 'note', code: 'paused' }), 'laptop'],
    ['an escalation', () => ({ type: 'escalation', reason: 'x', state: 'resolved' }), 'laptop'],
    ['no entry at all', () => ({ type: 'message', content: 7 }), 'shape'],
  ])('is not shown when it pretends to be, or writes: %s', async (_, members, reason) => {
    const { threads, signer, thread, sponsor, pen, hidden } = await nodeWithLaptop()
    const message = { ...writerOf(signer).message('pretence'), author: sponsor.author, ...members(signer.peer) }
    await expect(threads.receive(pen.append(JSON.stringify(message)))).resolves.toMatchObject({ status: 'applied' })
    expect(hidden()).toEqual([reason])
    expect(await shownIds(threads, thread)).toEqual(['opening-entry'])
    expect((await viewOf(threads, thread)).archived).toBe(false)
  })

  test.each([
    ['a vote', { type: 'vote', round: 1, proposal: 'a'.repeat(64), choice: 'approve', blockers: [] }],
    ['a note', { type: 'note', code: 'info' }],
    ['an extension', { type: 'x-drawing', strokes: [1, 2] }],
  ])('may write %s', async (_, entry) => {
    const { threads, thread, sponsor, pen, handle } = await nodeWithLaptop()
    const id = appendEntry(handle, entry, sponsor)
    await threads.receive(pen.seal(handle.lastChange()))
    expect(await shownIds(threads, thread)).toEqual(['opening-entry', id])
  })

  test('cannot be spoken for by another member, nor made to end', async () => {
    const { threads, thread, sponsor, pen, handle } = await nodeWithLaptop()
    const first = new TestHandle([])
    first.document = Automerge.clone(handle.document)
    const id = appendEntry(handle, { content: 'the real one' }, sponsor)
    await threads.receive(pen.seal(handle.lastChange()))
    const actor = Automerge.getActorId(handle.document)
    first.document = Automerge.clone(first.document, { actor })
    appendEntry(first, { content: 'another one with the same number' }, sponsor)
    const forged = pen.seal(first.lastChange(), { signer: signerOf(2) })
    await expect(threads.receive(forged)).resolves.toMatchObject({ status: 'refused', code: 'BAD_SIGNATURE' })
    expect(await shownIds(threads, thread)).toEqual(['opening-entry', id])
  })

  test('is written again by its sponsor when it follows what was taken out, and takes no id by that', async () => {
    const { threads, thread, by, sponsor, pen } = await nodeWithLaptop()
    const told: Uint8Array[] = []
    for await (const envelope of threads.envelopesAfter(thread, new Map())) told.push(envelope)
    const mallory = signerOf(8)
    const sides = ['one side', 'another side'].map((content) => {
      const text = JSON.stringify(writerOf(mallory).message('a-forked-entry', content))
      return new Pen(mallory, thread).learn(...told).append(text)
    })
    const [kept, beaten] = sides.sort((a, b) => (hashOf(a) < hashOf(b) ? -1 : 1)) as [Uint8Array, Uint8Array]
    await threads.receive(beaten)
    const id = 'a-turns-id-that-was-foretold'
    const message = { ...by.message(id, 'from the train'), author: sponsor.author }
    await threads.receive(pen.learn(beaten).append(JSON.stringify(message)))
    await threads.receive(kept)
    await threads.append(thread, by.message(id, 'the turn itself'))
    const shown = (await viewOf(threads, thread)).entries.map(({ entry }) => [entry.id === id, entry.content])
    expect(shown).toContainEqual([false, 'from the train'])
    expect(shown).toContainEqual([true, 'the turn itself'])
    expect(shown).toHaveLength(4)
  })
})

function hashOf(envelope: Uint8Array): string {
  return readEnvelope(mesh, envelope).header.hash
}
