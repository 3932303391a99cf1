import { encodeLedgerRecord, type Period, sealGrant } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import { describe, expect, it } from 'vitest'
import { readChain, recordAfter } from '../../src/ledger/chain.ts'
import { recordKey } from '../../src/ledger/keys.ts'
import { callOf } from '../bench.ts'
import { cents, type Home, type Mesh, openMesh } from './mesh.ts'

const DAY = 'd:2026-11-22' as Period

/** Two nodes, between which rights have moved. */
async function moved(): Promise<{ mesh: Mesh; donor: Home; receiver: Home }> {
  const mesh = await openMesh(['walnut', 'ironwood'])
  const [receiver, donor] = [mesh.home('walnut'), mesh.home('ironwood')]
  const waiting = receiver.budget.reserve(callOf(180, 'a'), new AbortController().signal)
  await new Promise((resolve) => setImmediate(resolve))
  mesh.gossip()
  await mesh.seek(receiver)
  await waiting
  await donor.budget.slots()
  return { mesh, donor, receiver }
}

async function keyUnder(room: Room, prefix: string): Promise<string> {
  for await (const key of room.keys({ gte: prefix, limit: 1 })) return key
  throw new Error(`nothing under ${prefix}`)
}

/** As a program would that did not keep the rules: the chain is right, what it tells is not. */
async function append(room: Room, event: Parameters<typeof recordAfter>[1]): Promise<void> {
  let head = { seq: 0, hash: new Uint8Array(32) }
  for await (const link of readChain(room)) head = { seq: link.head.seq, hash: Uint8Array.from(link.head.hash) }
  const { record, bytes } = recordAfter(head, event, 0)
  expect(bytes).toEqual(encodeLedgerRecord(record))
  await room.write([{ put: recordKey(record.seq), value: bytes }])
}

describe('a ledger of which rights came and went', () => {
  it('is believed as it was written', async () => {
    const { donor, receiver } = await moved()
    for (const one of [donor, receiver]) expect(await one.verify()).toMatchObject({ uncertain: 0 })
  })

  it.each<[string, string, RegExp]>([
    ['what moved is not kept', 'g/', /kept as g\/d:2026-11-22/],
    ['an opening is not found', 'n/', /index of calls, turns and openings/],
  ])('is not believed when %s', async (_, prefix, words) => {
    const { donor } = await moved()
    await donor.room.write([{ del: await keyUnder(donor.room, prefix) }])
    await expect(donor.verify()).rejects.toThrow(words)
  })

  it('is not believed when more is credited than the grant tells', async () => {
    const { donor, receiver } = await moved()
    const [grant] = donor.budget.grantsTo(receiver.account)
    if (grant === undefined) throw new Error('no grant')
    await append(receiver.room, { kind: 'credited', period: DAY, amount: cents(10), grant: Uint8Array.from(grant) })
    await expect(receiver.verify()).rejects.toMatchObject({ code: 'INVARIANT_BROKEN' })
  })

  it.each<[string, 'credited' | 'granted', 'walnut' | 'ironwood', RegExp]>([
    ['that its donor did not sign', 'credited', 'walnut', /cannot be read: grant: the signature/],
    ['of another account, as if it were its own', 'granted', 'ironwood', /holds a grant of other accounts/],
  ])('is not believed with a grant %s', async (_, kind, signer, words) => {
    const { mesh, donor, receiver } = await moved()
    const boot = { counter: 1, nonce: '1'.repeat(32) as never }
    const body = { v: 1, period: DAY, from: donor.account, boot, to: { account: receiver.account, boot } } as const
    const bytes = sealGrant({ ...body, cumulative: cents(1), seq: 99 }, mesh.manifest.mesh, mesh.home(signer).signer)
    await append(receiver.room, { kind, period: DAY, amount: cents(1), grant: Uint8Array.from(bytes) })
    await expect(receiver.verify()).rejects.toThrow(words)
  })
})
