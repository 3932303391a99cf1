import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sha256 } from '@bzzz/protocols'
import { Record as DhtRecord } from '@libp2p/kad-dht'
import { LevelDatastore } from 'datastore-level'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { CacheDatastore } from '../src/host/datastore.ts'

type Key = Parameters<CacheDatastore['put']>[0]

const HOUR_MS = 3_600_000
const NOON = Date.UTC(2026, 10, 22, 12)

let directory: string
let clock: { ms: number }
let refused: string[]
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bzzz-records-'))
  clock = { ms: NOON }
  refused = []
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** A value is its signer and its number: `walnut:7`. Who is called `gone` is no member. */
async function openStore(): Promise<CacheDatastore> {
  const words = (value: Uint8Array) => Buffer.from(value).toString().split(':')
  const store = new CacheDatastore(directory, {
    check(_key, value) {
      const [signer = '', number] = words(value)
      if (signer === 'gone') throw new Error('no member')
      return { signer: signer as never, number: Number(number) }
    },
    numberOf: (_key, value) => Number(words(value)[1]),
    onRefused: (code) => refused.push(code),
    now: () => clock.ms,
  })
  await store.open()
  return store
}

// datastore keys are of a package that is libp2p's own
const keyNamed = (name: string): Key => {
  const path = `/dht/record/${Buffer.from(sha256(name)).toString('hex')}`
  return { toString: () => path } as Key
}
const recordOf = (name: string, value: string, atMs = clock.ms) =>
  new DhtRecord(Buffer.from(name), Buffer.from(value), new Date(atMs)).serialize().subarray()

async function put(store: CacheDatastore, name: string, value: string): Promise<void> {
  await store.put(keyNamed(name), recordOf(name, value))
}

it('a member fills its own part of the disk and no more, and the others keep theirs', async () => {
  const store = await openStore()
  for (let i = 0; i < 2_048; i++) await put(store, `of walnut ${i}`, `walnut:${i}`)
  await expect(put(store, 'one more', 'walnut:1')).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
  expect(refused).toEqual(['FULL'])
  await put(store, 'of ironwood', 'ironwood:1')
  await put(store, 'of walnut 7', 'walnut:9000')
  await store.close()
})

it('what nobody has published for two days makes room', async () => {
  const store = await openStore()
  for (let i = 0; i < 2_048; i++) await put(store, `of walnut ${i}`, `walnut:${i}`)
  clock.ms += 49 * HOUR_MS
  await put(store, 'one more', 'walnut:1')
  expect(await store.has(keyNamed('of walnut 3'))).toBe(false)
  await store.close()
})

it('who is no member any more is forgotten at the next start, and what cannot be read', async () => {
  const other = new LevelDatastore(directory)
  await other.open()
  await other.put(keyNamed('a'), recordOf('a', 'gone:1'))
  await other.put(keyNamed('b'), recordOf('b', 'walnut:1'))
  await other.put(keyNamed('c'), Buffer.from('torn'))
  await other.close()
  const store = await openStore()
  const left = await Promise.all(['a', 'b', 'c'].map(async (name) => store.has(keyNamed(name))))
  expect(left).toEqual([false, true, false])
  await store.close()
})

it('who serves which content is nothing that is kept', async () => {
  const store = await openStore()
  const key = { toString: () => '/dht/provider/abc/12D3' } as Key
  await expect(store.put(key, Uint8Array.of(1))).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
  expect(refused).toEqual(['UNKNOWN_KIND'])
  await store.close()
})
