import { mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Mark } from '@bzzz/budget'
import type { Incarnation } from '@bzzz/protocols'
import { expect, onTestFinished, test } from 'vitest'
import { type MarkerFile, openMarkerFile } from '../../src/budget/marker.ts'
import { identityFromSeed } from '../../src/identity/identity.ts'

const { peer } = identityFromSeed(new Uint8Array(32).fill(1))
const nonce = 'a'.repeat(32) as Incarnation

function mark(seq: number): Mark {
  const account = { peer, incarnation: '1'.repeat(32) as Incarnation }
  return { account, boot: { counter: 3, nonce }, head: { seq, hash: new Uint8Array(32).fill(seq) }, signedSeq: seq * 2 }
}

async function place(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-mark-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return join(directory, 'ledger.mark')
}

async function opened(path: string): Promise<MarkerFile> {
  const marker = await openMarkerFile(path)
  onTestFinished(() => marker.close())
  return marker
}

/** What another process finds now. */
async function found(path: string): Promise<Mark | undefined> {
  return (await opened(path)).read()
}

test('a mark is found by the next process, whether or not this one ends in order', async () => {
  const path = await place()
  const marker = await opened(path)
  expect(await marker.read()).toBeUndefined()
  for (const seq of [1, 2, 3]) await marker.write(mark(seq))
  expect(await found(path)).toEqual(mark(3))
  await marker.close()
  await marker.close()
  expect(await found(path)).toEqual(mark(3))
  const again = await opened(path)
  await again.write(mark(4))
  expect(await found(path)).toEqual(mark(4))
})

test('a file of one size from the beginning, for its owner alone', async () => {
  const path = await place()
  const marker = await opened(path)
  const before = await stat(path)
  for (let seq = 1; seq < 100; seq++) await marker.write(mark(seq))
  expect((await stat(path)).size).toBe(before.size)
  expect(before.mode & 0o777).toBe(0o600)
})

test('a write that was torn leaves the mark before it', async () => {
  const path = await place()
  const marker = await opened(path)
  for (const seq of [1, 2]) await marker.write(mark(seq))
  const before = await readFile(path)
  await marker.write(mark(3))
  const after = await readFile(path)
  const differs = after.findIndex((byte, at) => byte !== before[at])
  const torn = await open(path, 'r+')
  await torn.write(before, differs + 60, 400, differs + 60)
  await torn.close()
  expect(await found(path)).toEqual(mark(2))
})

test.each<[string, Uint8Array]>([
  ['empty', new Uint8Array()],
  ['of zeros', new Uint8Array(1024)],
  ['of something else', new Uint8Array(4096).fill(0xab)],
])('a file %s is no mark, and becomes one', async (_, bytes) => {
  const path = await place()
  await writeFile(path, bytes)
  const marker = await opened(path)
  expect(await marker.read()).toBeUndefined()
  await marker.write(mark(1))
  expect(await found(path)).toEqual(mark(1))
})
