import { readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeSnapshot, encodeSnapshot } from '@bzzz/protocols'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ThreadFact } from '../../src/facts.ts'
import { Workshop, WorkshopError } from '../../src/snapshots/workshop.ts'
import { openThreads } from '../../src/threads.ts'
import { Pen } from '../pen.ts'
import { openNode, optionsFor, shownIds, temporaryDirectory, viewOf } from '../place.ts'
import { logOf, mesh, messageOf, thread, writers } from './log.ts'

const { log } = logOf(600)

/** A node that has the thread and, since somebody asked for one, a snapshot of it. */
async function holder() {
  const first = await openNode(1)
  await Promise.all(log.map((envelope) => first.threads.receive(envelope)))
  await first.threads.close()
  const made = Promise.withResolvers<void>()
  const directory = await temporaryDirectory()
  const observe = (fact: ThreadFact) => fact.type === 'snapshot-made' && made.resolve()
  const { state, signer, by } = first
  const threads = await openThreads({ ...optionsFor(state, signer), snapshots: { directory, idleMs: 1 }, observe })
  onTestFinished(() => threads.close())
  expect(threads.snapshots.offers([thread])).toEqual([])
  await made.promise
  const [offer] = threads.snapshots.offers([thread])
  const bytes = await threads.snapshots.get(offer?.hash ?? '')
  if (offer === undefined || bytes === undefined) throw new Error('no snapshot is offered')
  return { state, signer, by, threads, directory, offer, bytes }
}

describe('a thread of some hundred changes', () => {
  test('is offered once it was asked for and quiet, shown to the one who joins as pending, then taken over whole', async () => {
    const { threads, offer, bytes } = await holder()
    expect(offer.changes).toBe(600)
    const facts: ThreadFact[] = []
    const joiner = await openNode(2, { observe: (fact) => facts.push(fact) })
    const joining = joiner.threads.snapshots.join(thread, async () => bytes)
    const shown = await pending(joiner.threads)
    expect(joiner.threads.list()).toEqual([])
    expect(await joiner.threads.view(thread)).toBeUndefined()
    expect(await joining).toEqual({ status: 'joined', changes: 600 })
    expect(joiner.threads.preview(thread)).toBeUndefined()
    const view = await viewOf(joiner.threads, thread)
    expect(view.entries).toEqual((await viewOf(threads, thread)).entries)
    expect(shown).toEqual(view.entries)
    expect(await joiner.threads.vector(thread)).toEqual(await threads.vector(thread))
    expect(facts.map(({ type }) => type)).toContain('snapshot-joined')
    await joiner.threads.append(thread, joiner.by.message('still-working'))
  })

  test('is still offered after a restart, but not from a file that was damaged or is gone', async () => {
    const { state, signer, threads, directory, offer } = await holder()
    await threads.close()
    const reopen = async () => {
      const again = await openThreads({ ...optionsFor(state, signer), snapshots: { directory } })
      onTestFinished(() => again.close())
      return again
    }
    const again = await reopen()
    expect(again.snapshots.offers([thread])).toEqual([offer])
    const [file = ''] = await readdir(directory)
    await writeFile(join(directory, file), 'damaged')
    expect(await again.snapshots.get(offer.hash)).toBeUndefined()
    expect(await readdir(directory)).toEqual([])
    await writeFile(join(directory, file), 'damaged')
    const later = await reopen()
    await rm(join(directory, file))
    expect(await later.snapshots.get(offer.hash)).toBeUndefined()
    expect(later.snapshots.offers([thread])).toEqual([])
  })

  test('has none any more once somebody was found to have signed two changes with one number', async () => {
    const { threads } = await holder()
    const fork = new Pen(writers[0] as Pen['signer'], thread)
    await threads.receive(fork.append(messageOf(fork, 'another-beginning')))
    expect(threads.snapshots.offers([thread])).toEqual([])
  })
})

describe('a snapshot that does not hold', () => {
  test('is shown at most as pending, and nothing of it is stored', async () => {
    const { bytes } = await holder()
    const { document, signatures } = decodeSnapshot(mesh, thread, bytes)
    const lie = encodeSnapshot(mesh, thread, { document, signatures: signatures.with(-1, new Uint8Array(64)) })
    const facts: ThreadFact[] = []
    const joiner = await openNode(2, { observe: (fact) => facts.push(fact) })
    expect(await joiner.threads.snapshots.join(thread, async () => lie)).toMatchObject({ status: 'refused' })
    expect(joiner.threads.preview(thread)).toBeUndefined()
    expect(joiner.threads.list()).toEqual([])
    expect(facts.map(({ type }) => type)).toEqual(['snapshot-refused'])
    expect(await joiner.threads.snapshots.join(thread, async () => bytes)).toMatchObject({ status: 'joined' })
  })

  test('with a change of somebody who is no member here is left alone, without blame', async () => {
    const { bytes } = await holder()
    const joiner = await openNode(2, { isMember: (peer) => peer === writers[0]?.peer })
    expect(await joiner.threads.snapshots.join(thread, async () => bytes)).toMatchObject({ status: 'failed' })
    expect(joiner.threads.list()).toEqual([])
  })
})

describe('a join that is cut off', () => {
  test('before the bytes have come leaves nothing', async () => {
    const joiner = await openNode(2)
    expect(await joiner.threads.snapshots.join(thread, async () => undefined)).toMatchObject({ status: 'failed' })
    const broken = new Error('the link broke')
    await expect(joiner.threads.snapshots.join(thread, () => Promise.reject(broken))).rejects.toBe(broken)
    expect(joiner.threads.list()).toEqual([])
  })

  test('by the end of the node leaves what is right, and the next one goes on', async () => {
    const { bytes } = await holder()
    const { state, signer, threads } = await openNode(2)
    const joining = threads.snapshots.join(thread, async () => bytes)
    await pending(threads)
    await threads.close()
    expect(await joining).toMatchObject({ status: 'failed' })
    const again = await openThreads(optionsFor(state, signer))
    onTestFinished(() => again.close())
    expect(again.preview(thread)).toBeUndefined()
    expect(await again.snapshots.join(thread, async () => bytes)).toMatchObject({ status: 'joined' })
    expect((await shownIds(again, thread)).length).toBe(600)
  })
})

test('a worker that takes too long is ended, and the next question has another', async () => {
  const impatient = new Workshop(1)
  const question = {
    q: 'make',
    mesh,
    thread,
    log: Buffer.concat(log),
    lengths: log.map(({ length }) => length),
  } as const
  await expect(impatient.ask(question)).rejects.toThrow(new WorkshopError('it took too long'))
  await impatient.end()
  const patient = new Workshop()
  expect((await patient.ask(question)).bytes.length).toBeGreaterThan(0)
  await expect(patient.ask({ q: 'verify', from: 0, to: 1 })).rejects.toThrow('no snapshot is open')
  await patient.end()
})

/** What is shown as soon as anything is. */
async function pending(threads: Awaited<ReturnType<typeof openNode>>['threads']) {
  for (;;) {
    const preview = threads.preview(thread)
    if (preview !== undefined) return preview.entries
    await new Promise((resolve) => setImmediate(resolve))
  }
}
