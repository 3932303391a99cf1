import { readdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ThreadId } from '@bzzz/protocols'
import { expect, test } from 'vitest'
import { SnapshotCache } from '../../src/snapshots/cache.ts'
import { temporaryDirectory } from '../place.ts'

const thread = '01a20490-3f36-7f38-ab41-bcee7f406f4e' as ThreadId

test('a file is held against its hash once, and again when it was written since', async () => {
  const directory = await temporaryDirectory()
  const cache = await SnapshotCache.open(directory)
  await cache.put(thread, 600, Buffer.from('a snapshot'))
  const [name = ''] = await readdir(directory)
  const write = async (text: string, seconds: number) => {
    await writeFile(join(directory, name), text)
    await utimes(join(directory, name), seconds, seconds)
  }
  const read = async () => (await cache.get(cache.of(thread)?.hash ?? ''))?.toString()
  await write('a snapshot', 1_000)
  expect(await read()).toBe('a snapshot')
  await write('unnoticed!', 1_000)
  expect(await read()).toBe('unnoticed!') // who gets it holds it against the hash as well
  await write('a snapshot', 2_000)
  expect(await read()).toBe('a snapshot')
  await write('is noticed', 3_000)
  expect(await read()).toBeUndefined()
  expect(await readdir(directory)).toEqual([])
})
