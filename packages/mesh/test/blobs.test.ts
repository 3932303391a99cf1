import { blobHash, MAX_BLOB_BYTES } from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createBlobServer } from '../src/blobs/serve.ts'
import { allOnline, factsOf, Network, type TestNode, until } from './network.ts'

let network: Network
beforeEach(() => {
  network = new Network()
})
afterEach(() => network.close())

async function three(): Promise<[TestNode, TestNode, TestNode]> {
  const nodes = await network.nodes(['ada', 'bob', 'cyd'])
  await until(() => allOnline(nodes))
  return nodes as [TestNode, TestNode, TestNode]
}
const patience = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(20_000) })

describe('a blob', () => {
  it('of several MiB comes from the one peer that has it', async () => {
    const [ada, , cyd] = await three()
    const bytes = Buffer.alloc(5 * 1024 * 1024 + 17, 'blob')
    const hash = blobHash(bytes)
    cyd.threads.putBlob(hash, bytes)
    const fetched = await ada.mesh.fetchBlob(hash, patience())
    expect(Buffer.compare(fetched ?? Buffer.of(), bytes)).toBe(0)
    expect(factsOf(ada, 'blob-fetched')).toEqual([{ type: 'blob-fetched', peer: cyd.peer, hash, bytes: bytes.length }])
  })

  it('of the largest size fits, several at once', async () => {
    const [ada, bob] = await three()
    const blobs = Array.from({ length: 6 }, (_, i) => Buffer.alloc(i === 0 ? MAX_BLOB_BYTES : 1024 * 1024, i))
    for (const bytes of blobs) bob.threads.putBlob(blobHash(bytes), bytes)
    const fetched = await Promise.all(blobs.map((bytes) => ada.mesh.fetchBlob(blobHash(bytes), patience())))
    expect(fetched.map((bytes) => bytes?.length)).toEqual(blobs.map((bytes) => bytes.length))
  })

  it('that nobody has is undefined', async () => {
    const [ada] = await three()
    expect(await ada.mesh.fetchBlob('ab'.repeat(32), patience())).toBeUndefined()
  })

  it('that does not match its hash is refused, and asked of the next', async () => {
    const [ada, bob, cyd] = await three()
    const bytes = Buffer.alloc(700_000, 'true')
    const hash = blobHash(bytes)
    bob.threads.putBlob(hash, Buffer.alloc(700_000, 'false'))
    expect(await ada.mesh.fetchBlob(hash, patience())).toBeUndefined()
    expect(factsOf(ada, 'blob-refused')).toEqual([
      { type: 'blob-refused', peer: bob.peer, hash, reason: 'the bytes do not have that hash' },
    ])
    cyd.threads.putBlob(hash, bytes)
    expect((await ada.mesh.fetchBlob(hash, patience()))?.length).toBe(bytes.length)
  })

  it('is given up when the signal says so', async () => {
    const [ada, bob] = await three()
    const giveUp = new AbortController()
    bob.threads.blobs.get = async () => {
      giveUp.abort(new Error('enough'))
      return undefined
    }
    await expect(ada.mesh.fetchBlob('cd'.repeat(32), { signal: giveUp.signal })).rejects.toThrow('enough')
  })

  it('needs a content hash', async () => {
    const [ada] = await three()
    await expect(ada.mesh.fetchBlob('../etc', patience())).rejects.toMatchObject({ code: 'BAD_HASH' })
  })
})

describe('who is asked for parts of blobs', () => {
  /** Blobs of the largest size, and how often each was read. */
  function serving(count: number) {
    const reads: string[] = []
    const stored = new Map(
      Array.from({ length: count }, (_, i) => [`0${i}`.repeat(32), Buffer.alloc(MAX_BLOB_BYTES, i)]),
    )
    const serve = createBlobServer({
      async get(hash) {
        reads.push(hash)
        return stored.get(hash)
      },
    })
    const ask = (i: number, offset: number) =>
      serve({ t: 'blob-want', n: 1, hash: Uint8Array.from(Buffer.from(`0${i}`.repeat(32), 'hex')), offset })
    return { reads, stored, ask }
  }

  it('reads nothing again for what lies behind the end', async () => {
    const { reads, ask } = serving(3)
    for (let i = 0; i < 3; i++) await ask(i, 2 ** 40)
    for (let round = 0; round < 20; round++) {
      const part = await ask(round % 3, MAX_BLOB_BYTES + round)
      expect([part.total, part.bytes.length]).toEqual([MAX_BLOB_BYTES, 0])
    }
    expect(reads).toHaveLength(3)
  })

  it('reads two of the largest once for all of their parts, in whatever order, and by how many at once', async () => {
    const { reads, ask } = serving(2)
    const offsets = [0, 0, MAX_BLOB_BYTES - 1, 512 * 1024, MAX_BLOB_BYTES - 1]
    const parts = await Promise.all(offsets.flatMap((offset) => [ask(0, offset), ask(1, offset)]))
    expect(parts.map(({ bytes }) => bytes[0])).toEqual(offsets.flatMap(() => [0, 1]))
    await ask(0, MAX_BLOB_BYTES - 1)
    expect(reads).toHaveLength(2)
  })

  it('looks again for one that was not there', async () => {
    const { stored, ask } = serving(0)
    expect((await ask(0, 0)).total).toBe(0)
    stored.set('00'.repeat(32), Buffer.from('here'))
    expect(await ask(0, 0)).toMatchObject({ total: 4 })
  })
})
