import * as Automerge from '@automerge/automerge'
import { newThreadId } from '@bzzz/protocols'
import { expect, test } from 'vitest'
import { Replica, SyncFault } from '../src/replica.ts'
import { readSyncMessage } from '../src/sync.ts'
import { mesh, signerOf } from './place.ts'

function leb128(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...leb128(Math.floor(value / 0x80))]
}

function filter({ entries = 1, bits = 10, probes = 7, bytes = Math.ceil((entries * bits) / 8) }): Uint8Array {
  const head = [entries, bits, probes].flatMap(leb128)
  return Buffer.concat([Buffer.from(head), Buffer.alloc(bytes, 0xff)])
}

function message(have: readonly Uint8Array[], heads: string[] = []): Uint8Array {
  const claims = have.map((bloom) => ({ lastSync: [], bloom }))
  return Automerge.encodeSyncMessage({ heads, need: [], have: claims, changes: [] })
}

const hostile: readonly (readonly [string, Uint8Array])[] = [
  ['a filter of millions of probes', message([filter({ probes: 1_600_000 })])],
  ['a filter of 33 probes', message([filter({ probes: 33 })])],
  ['a filter of many bits per entry', message([filter({ bits: 65 })])],
  ['a filter with entries and no bits', message([filter({ bits: 0 })])],
  ['a filter of more than any thread has', message([filter({ entries: 300_000 })])],
  ['many filters', message(Array.from({ length: 100 }, () => filter({})))],
  [
    'more heads than a thread has writers',
    message(
      [],
      Array.from({ length: 10_000 }, () => 'ab'.repeat(32)),
    ),
  ],
]

test.each(hostile)('%s is refused before anything of it is kept', (_, bytes) => {
  const thread = newThreadId(1, Buffer.alloc(10))
  const replica = new Replica(mesh, thread, [])
  const { peer, publicKey } = signerOf(1)
  const speaker = { peer, key: Buffer.from(publicKey).toString('hex'), author: `human:ada@${peer}`, readOnly: false }
  expect(() => replica.offer(1, bytes, speaker)).toThrow(SyncFault)
  expect(() => replica.knows(bytes)).toThrow(SyncFault)
  expect(replica.settle(1)).toBeUndefined()
  expect(replica.message(1)).toBeUndefined()
  replica.free()
})

test('what a stock client says of thousands of changes is let in', () => {
  let document = Automerge.from<{ n: number }>({ n: 0 })
  for (let n = 1; n < 3_000; n++) document = Automerge.change(document, (draft) => void Object.assign(draft, { n }))
  const [, bytes] = Automerge.generateSyncMessage(document, Automerge.initSyncState())
  expect(bytes?.length).toBeGreaterThan(3_000)
  expect(readSyncMessage(bytes ?? new Uint8Array()).heads).toEqual(Automerge.getHeads(document))
  const [, empty] = Automerge.generateSyncMessage(Automerge.init(), Automerge.initSyncState())
  expect(readSyncMessage(empty ?? new Uint8Array()).heads).toEqual([])
})
