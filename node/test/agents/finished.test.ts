import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newThreadId, type SeqVector } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { expect, onTestFinished, test } from 'vitest'
import { openFinished } from '../../src/agents/finished.ts'

const [done, grown, open] = [1, 2, 3].map((number) => newThreadId(number, new Uint8Array(10)))

test('a finished thread is remembered across restarts until it changes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-finished-'))
  const state = await openState({ directory })
  onTestFinished(async () => {
    await state.close()
    await rm(directory, { recursive: true, force: true })
  })
  if (done === undefined || grown === undefined || open === undefined) throw new Error('three threads')
  const lengths = new Map([done, grown, open].map((thread) => [thread, 1]))
  const vector = async (thread: typeof done): Promise<SeqVector> =>
    new Map([['ab'.repeat(40), { seq: lengths.get(thread) ?? 0, hash: 'cd'.repeat(32) }]]) as never

  const threads = { vector, parts: (thread: typeof done) => [{ document: thread, entries: 1 }] }
  const before = await openFinished(state.room('finished'), threads)
  for (const thread of [done, grown]) await before.note(thread, await before.markOf(thread))
  lengths.set(grown, 2)

  const after = await openFinished(state.room('finished'), threads)
  expect(await after.unchanged()).toEqual(new Set([done]))
  await after.note(grown, await after.markOf(grown))
  expect(await after.unchanged()).toEqual(new Set([done, grown]))
})
