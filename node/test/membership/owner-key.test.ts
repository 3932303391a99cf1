import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { readOwnerKey } from '../../src/membership/owner-key.ts'
import { openPlace, owner, type Place, seeded } from './place.ts'

let place: Place
let directory: string
beforeEach(async () => {
  place = await openPlace()
  directory = await mkdtemp(join(tmpdir(), 'bzzz-owner-key-'))
})
afterEach(async () => {
  await place.close()
  await rm(directory, { recursive: true, force: true })
})

const hex = (seed: Uint8Array) => `${Buffer.from(seed).toString('hex')}\n`

it('the owner key is read from its file', async () => {
  const path = join(directory, 'owner.key')
  await writeFile(path, hex(owner.seed))
  expect((await readOwnerKey(path, place.first)).peer).toBe(owner.peer)
})

it.each<[string, string | undefined, string]>([
  ['is not there', undefined, 'this node does not hold the mesh'],
  ['holds something else', 'xyz\n', 'holds no key, which is one line of 64 hexadecimal digits: put the owner key of'],
  ['is of another mesh', hex(seeded(66).seed), 'is not the owner key of the mesh'],
])('a change is refused with what to do where the file %s', async (_, text, words) => {
  const path = join(directory, 'owner.key')
  if (text !== undefined) await writeFile(path, text)
  await expect(readOwnerKey(path, place.first)).rejects.toMatchObject({
    ...{ name: 'ConfigError', code: 'OWNER_KEY_MISSING' },
    message: expect.stringContaining(words),
  })
})

it('a change is refused where the path of the key cannot be read', async () => {
  await expect(readOwnerKey(directory, place.first)).rejects.toMatchObject({ code: 'OWNER_KEY_MISSING' })
})
