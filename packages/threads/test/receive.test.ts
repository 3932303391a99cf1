import { createHash } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import { inspectChange, type MeshId, newThreadId, ProtocolError } from '@bzzz/protocols'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import type { ThreadFact } from '../src/facts.ts'
import { openThreads } from '../src/threads.ts'
import { immutable, Pen } from './pen.ts'
import { openNode, optionsFor, repair, shownIds, signerOf, viewOf, writerOf } from './place.ts'

const mallory = signerOf(9)
const message = (id: string, signer = mallory) => JSON.stringify(writerOf(signer).message(id))

/** A node with one thread, and a member who has read it and may write anything. */
async function nodeAndPen() {
  const facts: ThreadFact[] = []
  const node = await openNode(1, { observe: (fact) => facts.push(fact) })
  const envelopes: Uint8Array[] = []
  node.threads.subscribe(({ envelope }) => envelopes.push(envelope))
  const { thread } = await node.threads.create(node.by.open())
  const codes = () => facts.flatMap((fact) => (fact.type === 'refused' ? [fact.code] : []))
  return { ...node, thread, envelopes, facts, codes, pen: new Pen(mallory, thread).learn(...envelopes) }
}

describe('a change from elsewhere', () => {
  test('is applied, told of and shown with its author', async () => {
    const { threads, thread, pen, envelopes } = await nodeAndPen()
    const envelope = pen.append(message('from-mallory'))
    expect(await threads.receive(envelope)).toEqual({ status: 'applied', thread, author: mallory.peer })
    expect(envelopes.at(-1)).toEqual(envelope)
    expect((await viewOf(threads, thread)).entries.at(-1)).toMatchObject({
      peer: mallory.peer,
      actor: pen.actor,
      entry: { id: 'from-mallory' },
    })
  })

  test('is a repeat the second time, even while the first is being written', async () => {
    const { threads, pen, envelopes } = await nodeAndPen()
    const envelope = pen.append(message('from-mallory'))
    const outcomes = await Promise.all([threads.receive(envelope), threads.receive(envelope)])
    expect(outcomes.map(({ status }) => status)).toEqual(['applied', 'repeat'])
    expect(await threads.receive(envelope)).toMatchObject({ status: 'repeat' })
    expect(envelopes.length).toBe(2)
  })

  test('of a thread whose opening entry is not here yet is stored', async () => {
    const thread = newThreadId(5_000, Buffer.alloc(10, 7))
    const { threads } = await openNode(1)
    expect(await threads.receive(new Pen(mallory, thread).append(message('first-of-all')))).toMatchObject({
      status: 'applied',
    })
    expect(threads.list()).toMatchObject([{ thread, topic: '', createdMs: 5_000, entries: 1, state: 'active' }])
    expect(await shownIds(threads, thread)).toEqual(['first-of-all'])
  })

  test('is held until its causes have come', async () => {
    const { threads, thread, pen } = await nodeAndPen()
    const sent = ['message-1', 'message-2', 'message-3', 'message-4'].map((id) => pen.append(message(id)))
    const outcomes = []
    for (const envelope of sent.toReversed()) outcomes.push((await threads.receive(envelope)).status)
    expect(outcomes).toEqual(['held', 'held', 'held', 'applied'])
    expect((await shownIds(threads, thread)).slice(1)).toEqual(['message-1', 'message-2', 'message-3', 'message-4'])
  })
})

describe('refused, counted and without effect', () => {
  test.each([
    ['random bytes', () => Buffer.from('what is this'), 'NOT_CANONICAL'],
    ['more bytes than any envelope has', () => new Uint8Array(2 ** 20), 'TOO_LARGE'],
    [
      'an envelope of another mesh',
      (pen: Pen) => pen.write(appends(pen), { mesh: 'cd'.repeat(32) as MeshId }),
      'WRONG_MESH',
    ],
    [
      'a change signed by another member',
      (pen: Pen) => pen.write(appends(pen), { signer: signerOf(8) }),
      'BAD_SIGNATURE',
    ],
    ['an edit of the id', (pen: Pen) => pen.write((draft) => (draft.id = immutable('mine'))), 'NOT_AN_APPEND'],
    ['a new member of the root', (pen: Pen) => pen.write((draft) => (draft.extra = 1)), 'NOT_AN_APPEND'],
    ['a replaced log', (pen: Pen) => pen.write((draft) => (draft.log = {})), 'NOT_AN_APPEND'],
    ['a page that is not the next', (pen: Pen) => pen.write(appends(pen, 1)), 'NOT_AN_APPEND'],
    ['an empty page', (pen: Pen) => pen.write((draft) => (draft.log[`${pen.actor}/0`] = [])), 'NOT_AN_APPEND'],
    [
      'collaborative text',
      (pen: Pen) => pen.write((draft) => (draft.log[`${pen.actor}/0`] = ['hi'] as never)),
      'NOT_AN_APPEND',
    ],
    [
      'more entries than a page holds',
      (pen: Pen) => pen.append(...Array.from({ length: 257 }, () => 'x')),
      'NOT_AN_APPEND',
    ],
  ] as const)('%s', async (_, write, code) => {
    const { threads, thread, pen, codes } = await nodeAndPen()
    const outcome = await threads.receive(write(pen))
    expect(outcome).toMatchObject({ status: 'refused', code })
    expect(codes()).toEqual([code])
    expect(await shownIds(threads, thread)).toEqual(['opening-entry'])
    expect((await threads.vector(thread)).size).toBe(1)
  })

  test("a change to another's page, which then still stands", async () => {
    const { threads, thread, pen, by } = await nodeAndPen()
    const [opening] = (await viewOf(threads, thread)).entries
    const blanked = pen.write((draft) => draft.log[`${opening?.actor}/0`]?.splice(0, 1, immutable('blank')))
    expect(await threads.receive(blanked)).toMatchObject({ code: 'NOT_AN_APPEND', author: mallory.peer })
    await threads.append(thread, by.message('still-working'))
    expect(await shownIds(threads, thread)).toEqual(['opening-entry', 'still-working'])
  })

  test('an entry taken back from an own page', async () => {
    const { threads, thread, pen } = await nodeAndPen()
    await threads.receive(pen.append(message('said-is-said')))
    const taken = pen.write((draft) => draft.log[`${pen.actor}/0`]?.splice(0, 1))
    expect(await threads.receive(taken)).toMatchObject({ code: 'NOT_AN_APPEND' })
    expect(await shownIds(threads, thread)).toContain('said-is-said')
  })

  test('what is not from a member, without a look at its signature', async () => {
    const { state, signer } = await openNode(1)
    const { peer } = signer
    const threads = await openThreads({ ...optionsFor(state, signer), isMember: (other) => other === peer })
    const envelope = new Pen(mallory, newThreadId(0, new Uint8Array(10))).append(message('from-outside'))
    const outcome = await threads.receive(envelope)
    expect(outcome).toMatchObject({ status: 'refused', code: 'NOT_A_MEMBER' })
    expect(outcome).not.toHaveProperty('author')
    expect(threads.list()).toEqual([])
  })

  test("a change in another's name", async () => {
    const { threads, thread, envelopes } = await nodeAndPen()
    const victim = new Pen(signerOf(2), thread).learn(...envelopes)
    const forger = new Pen(mallory, thread, { actor: victim.actor }).learn(...envelopes)
    expect(await threads.receive(forger.append(message('in-your-name')))).toMatchObject({ code: 'BAD_SIGNATURE' })
    expect(await threads.receive(victim.append(message('my-own-words', victim.signer)))).toMatchObject({
      status: 'applied',
    })
  })

  test('a small chunk that expands to thousands of operations or to megabytes, before the CRDT sees it', async () => {
    const { threads, pen, codes } = await nodeAndPen()
    const nulls = pen.change(
      (draft) => (draft.log[`${pen.actor}/0`] = Array.from({ length: 20_000 }, () => null) as never),
    )
    const zeros = deflatedChunk(Buffer.alloc(64 * 1024 * 1024))
    expect(nulls.length).toBeLessThan(400)
    expect(await threads.receive(pen.unsigned(nulls))).toMatchObject({ code: 'BAD_CHANGE' })
    expect(await threads.receive(pen.unsigned(zeros))).toMatchObject({ code: 'BAD_CHANGE' })
    expect(codes()).toEqual(['BAD_CHANGE', 'BAD_CHANGE'])
  })

  test('damaged changes with a matching checksum and signature never harm the thread', async () => {
    const { threads, thread, pen, by } = await nodeAndPen()
    const change = pen.change((draft) => (draft.log[`${pen.actor}/0`] = [immutable('one'), immutable('two')]))
    const silenced = vi.spyOn(console, 'error').mockImplementation(() => {}) // wasm panics print their backtrace
    const damage = fc.array(fc.tuple(fc.nat({ max: change.length - 13 }), fc.integer({ min: 1, max: 255 })), {
      minLength: 1,
      maxLength: 2,
    })
    await fc.assert(
      fc.asyncProperty(damage, async (flips) => {
        const damaged = withFlips(change, flips)
        await threads.receive(isReadable(damaged) ? pen.seal(damaged) : pen.unsigned(damaged))
      }),
      { numRuns: 300 },
    )
    silenced.mockRestore()
    await threads.append(thread, by.message('still-working'))
    const copy = await openNode(2)
    await repair(threads, copy.threads)
    expect((await viewOf(copy.threads, thread)).heads).toEqual((await viewOf(threads, thread)).heads)
    expect(await shownIds(copy.threads, thread)).toEqual(await shownIds(threads, thread))
  })
})

function appends(pen: Pen, page = 0) {
  return (draft: { log: Record<string, unknown> }) => {
    draft.log[`${pen.actor}/${page}`] = [immutable(message('some-message'))]
  }
}

/** A change chunk of DEFLATE, with lengths that are right and a checksum that nobody gets to see. */
function deflatedChunk(body: Uint8Array): Uint8Array {
  const deflated = deflateRawSync(body)
  const length = Buffer.from([0, 7, 14].map((shift) => ((deflated.length >> shift) & 0x7f) | (shift < 14 ? 0x80 : 0)))
  return Buffer.concat([Buffer.from('856f4a830000000002', 'hex'), length, deflated])
}

/** The change with some bytes of its body altered and the checksum mended. */
function withFlips(change: Uint8Array, flips: readonly (readonly [at: number, by: number])[]): Uint8Array {
  const bytes = Buffer.from(change)
  for (const [at, by] of flips) bytes.writeUInt8(bytes.readUInt8(at + 12) ^ by, at + 12)
  createHash('sha256').update(bytes.subarray(8)).digest().copy(bytes, 4, 0, 4)
  return bytes
}

function isReadable(change: Uint8Array): boolean {
  try {
    return inspectChange(change).hash !== ''
  } catch (error) {
    if (error instanceof ProtocolError) return false
    throw error
  }
}
