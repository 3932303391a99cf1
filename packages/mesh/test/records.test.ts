import {
  type Account,
  dayPeriod,
  type Incarnation,
  type NanoUsd,
  type Signer,
  type Slot,
  sealSlot,
  slotKey,
} from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { recordsProtocol } from '../src/records/rules.ts'
import { allOnline, factsOf, INCARNATION, identityOf, MESH, Network, type TestNode, until } from './network.ts'
import { openRogue, type Rogue } from './rogue.ts'

let network: Network
beforeEach(() => {
  network = new Network()
})
afterEach(() => network.close())

const DAY = dayPeriod(Date.now())
const ADA = identityOf('ada').signer
const STRANGER = identityOf('eve').signer
const OTHER = 'ff'.repeat(16) as Incarnation
const patience = (): { signal: AbortSignal } => ({ signal: AbortSignal.timeout(10_000) })

function accountOf(signer: Signer): Account {
  return { peer: signer.peer, incarnation: INCARNATION }
}

function sealed(account: Account, signer: Signer, seq: number, more: Partial<Slot> = {}): Uint8Array {
  const zero = 0n as NanoUsd
  const slot: Slot = {
    v: 1,
    period: DAY,
    account,
    boot: { counter: 1, nonce: INCARNATION },
    seq,
    manifestVersion: 1,
    prevHash: null,
    wallMs: 0,
    state: 'open',
    initial: zero,
    granted: [],
    received: [],
    reserved: zero,
    released: zero,
    overrun: zero,
    ...more,
  }
  return sealSlot(slot, MESH, signer)
}

/** Puts until all others have stored it: right after connecting, routing tables are still filling. */
async function putOnAll(node: TestNode, key: Uint8Array, value: Uint8Array, others: number): Promise<void> {
  let acks = 0
  while (acks < others) acks = await node.mesh.putRecord(key, value, patience())
}

async function putByRogue(rogue: Rogue, key: Uint8Array, value: Uint8Array): Promise<string[]> {
  const events: string[] = []
  for await (const event of rogue.host.services.dht.put(key, value, patience())) events.push(event.name)
  return events
}

describe('a record', () => {
  it('that one node puts is read on the others, and the newest wins', async () => {
    const nodes = await network.nodes(['ada', 'bob', 'cyd'])
    await until(() => allOnline(nodes))
    const [ada, bob, cyd] = nodes as [TestNode, TestNode, TestNode]
    const account = accountOf(ada.signer)
    const key = slotKey(MESH, DAY, account)
    await putOnAll(ada, key, sealed(account, ada.signer, 5), 2)
    for (const node of [bob, cyd]) {
      expect(await node.mesh.getRecord(key, patience())).toEqual(sealed(account, ada.signer, 5))
    }
    await putOnAll(ada, key, sealed(account, ada.signer, 6), 2)
    expect(await cyd.mesh.getRecord(key, patience())).toEqual(sealed(account, ada.signer, 6))
  })

  it('that is older than the one known is refused, also where it is put', async () => {
    const nodes = await network.nodes(['ada', 'bob'])
    await until(() => allOnline(nodes))
    const [ada, bob] = nodes as [TestNode, TestNode]
    const account = accountOf(ada.signer)
    const key = slotKey(MESH, DAY, account)
    await putOnAll(ada, key, sealed(account, ada.signer, 7), 1)
    for (const node of [ada, bob]) {
      const put = node.mesh.putRecord(key, sealed(account, ada.signer, 6), patience())
      await expect(put).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
      expect(await node.mesh.getRecord(key, patience())).toEqual(sealed(account, ada.signer, 7))
    }
  })

  it('that contradicts the one known is refused and told of, and replaces nothing', async () => {
    const seen: string[] = []
    const nodes = await network.nodes(['ada', 'bob'], {
      onSlot: (slot) => seen.push(Buffer.from(slot).toString('hex')),
    })
    await until(() => allOnline(nodes))
    const [ada, bob] = nodes as [TestNode, TestNode]
    const account = accountOf(ada.signer)
    const key = slotKey(MESH, DAY, account)
    const [one, other] = [sealed(account, ada.signer, 7), sealed(account, ada.signer, 7, { wallMs: 1 })]
    await putOnAll(ada, key, one, 1)
    await expect(bob.mesh.putRecord(key, other, patience())).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
    expect(factsOf(bob, 'record-refused')).toMatchObject([{ code: 'CONTRADICTION' }])
    expect(await bob.mesh.getRecord(key, patience())).toEqual(one)
    expect(seen).toContain(Buffer.from(one).toString('hex'))
  })

  it.each([
    ['long over', -9],
    ['far ahead', 9],
  ])('of a day that is %s is refused', async (_what, days) => {
    const [ada] = (await network.nodes(['ada'])) as [TestNode]
    const period = dayPeriod(Date.now() + days * 86_400_000)
    const account = accountOf(ADA)
    const put = ada.mesh.putRecord(slotKey(MESH, period, account), sealed(account, ADA, 1, { period }), patience())
    await expect(put).rejects.toMatchObject({ code: 'RECORD_REFUSED', message: expect.stringContaining(period) })
  })

  it('that is not there is undefined', async () => {
    const [ada] = (await network.nodes(['ada'])) as [TestNode]
    expect(await ada.mesh.getRecord(slotKey(MESH, DAY, accountOf(ada.signer)), patience())).toBeUndefined()
  })

  it('is kept by a lone node, with no acknowledgement', async () => {
    const [ada] = (await network.nodes(['ada'])) as [TestNode]
    const account = accountOf(ada.signer)
    const key = slotKey(MESH, DAY, account)
    expect(await ada.mesh.putRecord(key, sealed(account, ada.signer, 1), patience())).toBe(0)
    expect(await ada.mesh.getRecord(key, patience())).toEqual(sealed(account, ada.signer, 1))
  })

  it.each([
    ['garbage', () => Buffer.from('not a slot')],
    ['of a stranger', () => sealed(accountOf(STRANGER), STRANGER, 1)],
    ['signed by another', () => sealed(accountOf(ADA), STRANGER, 1)],
    ['of another account than the key says', () => sealed({ peer: ADA.peer, incarnation: OTHER }, ADA, 1)],
  ])('that is %s is refused', async (_what, value) => {
    const [ada] = (await network.nodes(['ada'])) as [TestNode]
    const key = slotKey(MESH, DAY, accountOf(ADA))
    await expect(ada.mesh.putRecord(key, value(), patience())).rejects.toMatchObject({ code: 'RECORD_REFUSED' })
  })

  it('that a member forged, or an old one it replays, is refused by the nodes it is sent to', async () => {
    const nodes = await network.nodes(['ada', 'bob'], { secret: null })
    await until(() => allOnline(nodes))
    const [ada, bob] = nodes as [TestNode, TestNode]
    network.enlist('mallory')
    const mallory = identityOf('mallory')
    const account = accountOf(ada.signer)
    const key = slotKey(MESH, DAY, account)
    await putOnAll(ada, key, sealed(account, ada.signer, 5), 1)

    const rogue = await openRogue(mallory, MESH)
    await rogue.stream(ada)
    await rogue.stream(bob)
    for (const value of [sealed(account, mallory.signer, 9), sealed(account, ada.signer, 4)]) {
      // its routing table fills while it tries
      await vi.waitUntil(async () => (await putByRogue(rogue, key, value)).includes('QUERY_ERROR'), 10_000)
      expect(await bob.mesh.getRecord(key, patience())).toEqual(sealed(account, ada.signer, 5))
    }
    await rogue.close()
  })

  it('is found although a member lies about it, answers nothing, or has an old one', async () => {
    const nodes = await network.nodes(['ada', 'bob'], { secret: null, timings: { recordMs: 4_000 } })
    await until(() => allOnline(nodes))
    const [ada, bob] = nodes as [TestNode, TestNode]
    const account = accountOf(ada.signer)
    const key = slotKey(MESH, DAY, account)
    await putOnAll(ada, key, sealed(account, ada.signer, 5), 1)
    const liars = await Promise.all(
      ['mallory', 'trudy', 'silent'].map(async (name) => {
        network.enlist(name)
        return { name, rogue: await openRogue(identityOf(name), MESH, ['/ip4/127.0.0.1/tcp/0']) }
      }),
    )
    // what a node puts into its own store nobody checks, and it hands that out
    const tales = { mallory: sealed(account, identityOf('mallory').signer, 9), trudy: sealed(account, ada.signer, 4) }
    for (const { name, rogue } of liars) {
      if (name === 'silent') {
        await rogue.host.unhandle(recordsProtocol(MESH))
        await rogue.host.handle(recordsProtocol(MESH), () => {})
      } else await putByRogue(rogue, key, tales[name as keyof typeof tales])
      await rogue.stream(bob)
    }
    await vi.waitUntil(async () => {
      const startedMs = performance.now()
      expect(await bob.mesh.getRecord(key, patience())).toEqual(sealed(account, ada.signer, 5))
      expect(performance.now() - startedMs).toBeLessThan(6_000)
      return factsOf(bob, 'record-refused').some(({ code }) => code === 'BAD_SIGNATURE')
    }, 15_000)
    for (const { rogue } of liars) await rogue.close()
  })
})
