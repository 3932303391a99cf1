import { guardState, type LevelLike, openState, type StateDatabase } from '@bzzz/store'
import { expect, test } from 'vitest'
import type { ThreadFact } from '../src/facts.ts'
import { openThreads } from '../src/threads.ts'
import { optionsFor, shownIds, signerOf, temporaryDirectory, viewOf, writerOf } from './place.ts'

/** A disk over a real database, whose next write can be made to fail before or after it took place. */
function fragile(beneath: StateDatabase) {
  const disk = beneath.room('disk')
  const fault: { next?: 'lost' | 'written' } = {}
  const level: LevelLike = {
    async batch(operations) {
      if (fault.next === 'lost') throw new Error('input/output error')
      await disk.write(
        operations.map((operation) =>
          operation.type === 'put' ? { put: operation.key, value: operation.value } : { del: operation.key },
        ),
      )
      if (fault.next === 'written') throw new Error('input/output error')
    },
    get: (key) => disk.get(key),
    getSync: (key) => (disk.has(key) ? new Uint8Array() : undefined),
    iterator: (range) => disk.entries(range),
    keys: (range) => disk.keys(range),
    close: () => beneath.close(),
  }
  return { fault, state: guardState(level) }
}

test.each(['lost', 'written'] as const)(
  'a write that fails (%s) freezes threads until they are opened again',
  async (fate) => {
    const directory = await temporaryDirectory()
    const signer = signerOf(1)
    const by = writerOf(signer)
    const facts: ThreadFact[] = []
    const { fault, state } = fragile(await openState({ directory }))
    const threads = await openThreads({ ...optionsFor(state, signer), observe: (fact) => facts.push(fact) })
    const { thread } = await threads.create(by.open())
    const [{ actor } = { actor: '' }] = (await viewOf(threads, thread)).entries
    const told: unknown[] = []
    threads.subscribe((event) => told.push(event))

    fault.next = fate
    const appends = ['doubtful-one', 'doubtful-two'].map((id) => threads.append(thread, by.message(id)))
    for (const outcome of await Promise.allSettled(appends)) {
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'FROZEN' } })
    }
    delete fault.next
    expect(told).toEqual([])
    expect(threads.list()).toMatchObject([{ entries: 1 }])
    await expect(threads.view(thread)).rejects.toMatchObject({ code: 'FROZEN' })
    await expect(threads.append(thread, by.message('refused-one'))).rejects.toMatchObject({ code: 'FROZEN' })
    await expect(threads.blobs.put(Buffer.from('blob'))).rejects.toMatchObject({ code: 'FROZEN' })
    expect(facts.filter(({ type }) => type === 'frozen').length).toBe(1)
    await threads.close()
    await state.close()

    const again = await openState({ directory })
    const reopened = await openThreads(optionsFor(fragile(again).state, signer))
    const repeated = (await reopened.append(thread, by.message('doubtful-one'))).repeated
    expect(repeated).toBe(fate === 'written')
    await reopened.append(thread, by.message('doubtful-two'))
    await reopened.append(thread, by.message('certain-one'))
    expect(await shownIds(reopened, thread)).toEqual(['opening-entry', 'doubtful-one', 'doubtful-two', 'certain-one'])
    const last = (await viewOf(reopened, thread)).entries.at(-1)
    expect(last?.actor).not.toBe(actor)
    expect(last?.seq).toBeLessThanOrEqual(3)
    await reopened.close()
    await again.close()
  },
)
