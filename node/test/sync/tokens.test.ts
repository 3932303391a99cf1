import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openState } from '@bzzz/store'
import { expect, onTestFinished, test } from 'vitest'
import { openSyncTokens } from '../../src/sync/tokens.ts'

const wanted = { name: 'alice', readOnly: false, projects: null, threads: null, expiresMs: null }

async function place(nowMs = { value: 0 }) {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-sync-'))
  const state = await openState({ directory })
  onTestFinished(async () => {
    await state.close()
    await rm(directory, { recursive: true, force: true })
  })
  const room = state.room('sync')
  return { room, open: () => openSyncTokens({ room, now: () => nowMs.value, randomBytes }) }
}

test('a token outlives a restart, and a revoked one does not come back', async () => {
  const { open } = await place()
  const before = await open()
  const kept = await before.create(wanted)
  const gone = await before.create({ ...wanted, name: 'bob' })
  expect(await before.revoke(gone?.about.id ?? '')).toBe(true)
  expect(await before.revoke(gone?.about.id ?? '')).toBe(false)
  const after = await open()
  expect(after.find(kept?.token ?? '')).toEqual(kept?.about)
  expect(after.find(gone?.token ?? '')).toBeUndefined()
  expect(after.list()).toHaveLength(1)
})

test('what is on disk does not let anybody in', async () => {
  const { room, open } = await place()
  const made = await (await open()).create(wanted)
  for await (const [, value] of room.entries()) expect(Buffer.from(value).toString()).not.toContain(made?.token)
})

test('a token ends when it expires', async () => {
  const now = { value: 1_000 }
  const { open } = await place(now)
  const tokens = await open()
  const made = await tokens.create({ ...wanted, expiresMs: 2_000 })
  expect(tokens.find(made?.token ?? '')).toBeDefined()
  now.value = 2_000
  expect(tokens.find(made?.token ?? '')).toBeUndefined()
})
