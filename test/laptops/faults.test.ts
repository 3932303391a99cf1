import * as Automerge from '@automerge/automerge'
import { threadOfDocument } from '@bzzz/protocols'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { blownUp } from '../hostile/chunks.ts'
import { openTestMesh, type TestMesh, type TestNode } from '../node/nodes.ts'
import { tokenOf } from './laptop.ts'
import { laptopWith, newThread, nodeShows, post } from './place.ts'
import { join, openRogue, upgradeStatus } from './rogue.ts'

let mesh: TestMesh
let node: TestNode

beforeAll(async () => {
  mesh = await openTestMesh({ members: [['walnut']] })
  node = mesh.nodes[0] as TestNode
})
afterAll(() => mesh.close())

const POLICY_VIOLATION = 1008

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${node.node.urls.node}/metrics`)).text()
  const lines = text.split('\n').filter((line) => line.startsWith(name))
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

/** A sync message with these chunks in it, as from a peer that has them and nothing else. */
function pushOf(...changes: Uint8Array[]): Uint8Array {
  return Automerge.encodeSyncMessage({ heads: [], need: [], have: [], changes })
}

function nullsChange(): Uint8Array {
  const document = Automerge.change(Automerge.init<{ nulls?: null[] }>(), (draft) => {
    draft.nulls = Array.from({ length: 20_000 }, () => null)
  })
  return Automerge.getLastLocalChange(document) ?? new Uint8Array()
}

const faults: readonly (readonly [
  name: string,
  frame: (documentId: string) => Uint8Array | Record<string, unknown>,
])[] = [
  ['a null', () => Buffer.of(0xf6)],
  ['rubbish', () => Buffer.from('ff00ff00', 'hex')],
  ['CBOR nested a hundred thousand deep', () => Buffer.alloc(100_000, 0x81)],
  ['a document id that is bytes', () => ({ type: 'sync', documentId: Buffer.of(1), data: Buffer.of(1) })],
  ['what is no sync message', (documentId) => ({ type: 'sync', documentId, data: Buffer.from('no message') })],
  [
    'a change of a million operations',
    (documentId) => {
      return { type: 'sync', documentId, data: pushOf(blownUp(nullsChange())) }
    },
  ],
  [
    'a document of a million operations',
    (documentId) => {
      const document = Automerge.save(Automerge.from({ text: 'ab'.repeat(500_000) }))
      return { type: 'sync', documentId, data: pushOf(document) }
    },
  ],
  ['a first push of 50 MB', (documentId) => ({ type: 'sync', documentId, data: new Uint8Array(50_000_000) })],
]

describe('a client that sends', () => {
  test.each(faults)('%s is disconnected and counted, and nobody else notices', async (_, frameOf) => {
    const { thread, url } = await newThread(node)
    const { laptop } = await laptopWith(node, { name: 'bob' })
    await laptop.tell({ do: 'open', url })
    await laptop.shows('the beginning')
    const before = await metric('bzzz_sync_faults_total')
    const { created } = await tokenOf(node, { name: 'mallory' })
    const rogue = await openRogue(created.sync_url)
    rogue.say(join)
    await rogue.hears('peer')
    const frame = frameOf(url.slice('automerge:'.length))
    if (frame instanceof Uint8Array) rogue.send(frame)
    else rogue.say(frame)
    expect([POLICY_VIOLATION, 1009, 1006]).toContain(await rogue.closed)
    expect(await metric('bzzz_sync_faults_total')).toBe(before + 1)
    await post(node, thread, 'afterwards')
    await laptop.shows('the beginning', 'afterwards')
    await laptop.tell({ do: 'append', entry: { content: 'and me' } })
    await nodeShows(node, thread, 'the beginning', 'afterwards', 'and me')
  })

  test('such things five times within a minute is refused for a while', async () => {
    const { created } = await tokenOf(node, { name: 'mallory' })
    for (let i = 0; i < 5; i++) {
      const rogue = await openRogue(created.sync_url)
      rogue.send(Buffer.of(0xf6))
      expect(await rogue.closed).toBe(POLICY_VIOLATION)
    }
    expect(await upgradeStatus(created.sync_url)).toBe(429)
    expect(await metric('bzzz_sync_penalties_total')).toBe(1)
    const { created: another } = await tokenOf(node)
    expect(await upgradeStatus(another.sync_url)).toBe(101)
  })

  test('what it follows before that has come is asked to wait, not refused', async () => {
    const { url } = await newThread(node)
    const { created, info } = await tokenOf(node)
    const rogue = await openRogue(created.sync_url)
    const thread = threadOfDocument(url.slice('automerge:'.length))
    expect(thread).toBeDefined()
    const elsewhere = Automerge.from({ log: {} }, { actor: `${'ab'.repeat(32)}${'01'.repeat(8)}` })
    const mine = Automerge.change(Automerge.clone(elsewhere, { actor: info.key + '02'.repeat(16) }), (draft) => {
      Object.assign(draft.log, { page: [] })
    })
    rogue.say(join)
    const data = pushOf(...Automerge.getAllChanges(mine))
    rogue.say({ type: 'sync', documentId: url.slice('automerge:'.length), data })
    await expect(rogue.hears('ephemeral')).resolves.toBeDefined()
  })
})
