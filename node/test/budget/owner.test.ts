import { signChange } from '@bzzz/budget'
import { type Account, type Incarnation, type OpenedManifest, sealAck } from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { openPlace, owner, type Place, seeded, walnut } from '../membership/place.ts'

let place: Place
beforeEach(async () => {
  place = await openPlace()
})
afterEach(() => place.close())

const ironwood = seeded(2)
const own: Account = { peer: walnut.peer, incarnation: '0'.repeat(32) as Incarnation }
const other: Account = { peer: ironwood.peer, incarnation: '2'.repeat(32) as Incarnation }
const version = () => place.membership.newest().manifest.version
const allotted = (account: Account) => {
  const { allotments } = place.membership.newest().manifest
  return allotments.filter((each) => each.account.incarnation === account.incarnation).at(-1)?.amount
}

function ack(
  signer: typeof walnut,
  account: Account,
  { manifest, hash, mesh }: OpenedManifest,
  seq: number,
): Uint8Array {
  const body = { v: 1, account, version: manifest.version, manifest: Uint8Array.from(hash), seq, opened: [] } as const
  return sealAck({ ...body, opened: [] }, mesh, signer)
}

function joinIronwood() {
  const member = { peer: ironwood.peer, label: 'ironwood', role: 'node' as const, addrs: [] }
  return place.book.change({ kind: 'add-member', member, account: other })
}

/** As another copy of the key would sign it. */
function signedElsewhere(after: OpenedManifest, amount: bigint): OpenedManifest {
  const book = { versions: [after], acks: new Map(), forks: [] }
  const change = { kind: 'limit', dim: 'day', amount: amount as never } as const
  const signed = signChange(book, change, { owner, now: place.clock.ms })
  if (signed.status !== 'signed') throw new Error(signed.status)
  return signed.next
}

describe('the owner’s book', () => {
  test('moves rights to a new node only once those who give some up have confirmed it, and after a restart too', async () => {
    expect(await joinIronwood()).toEqual({ status: 'signed', version: 2 })
    expect(allotted(other) ?? 0n).toBe(0n)
    const second = place.membership.newest()
    await place.reopen()
    await place.book.onAck(ack(walnut, own, second, 1), walnut.peer)
    await expect.poll(version).toBe(3)
    expect([allotted(own), allotted(other)]).toEqual([45_000_000_000n, 45_000_000_000n])
    await place.reopen()
    expect(place.book.confirmed()).toEqual([
      { account: own, version: 2 },
      { account: other, version: 0 },
    ])
  })

  test('keeps the newest ack of an account, whatever comes late or twice', async () => {
    await joinIronwood()
    const second = place.membership.newest()
    await place.book.onAck(ack(walnut, own, second, 5), walnut.peer)
    await place.book.onAck(ack(walnut, own, place.first, 4), walnut.peer)
    await place.book.onAck(ack(walnut, own, second, 5), walnut.peer)
    expect(place.book.confirmed()[0]).toMatchObject({ version: 2 })
  })

  test('takes no ack of one node from another, nor a forged one', async () => {
    const genuine = ack(walnut, own, place.first, 1)
    await expect(place.book.onAck(genuine, ironwood.peer)).rejects.toMatchObject({ code: 'BAD_SHAPE' })
    const forged = ack(ironwood, own, place.first, 1)
    await expect(place.book.onAck(forged, walnut.peer)).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
    expect(place.book.confirmed()).toEqual([{ account: own, version: 0 }])
  })

  test('signs nothing on top of what was signed elsewhere, but a restore', async () => {
    await place.membership.receive(signedElsewhere(place.first, 5_000_000_000n).bytes, ironwood.peer)
    const refused = await place.book.change({ kind: 'limit', dim: 'day', amount: 4_000_000_000n as never })
    expect(refused).toMatchObject({ status: 'refused', code: 'RESTORE_NEEDED' })
    const unheard = await place.book.change({ kind: 'restore', gone: [] })
    expect(unheard).toMatchObject({ status: 'refused', code: 'restoring' })
    await place.book.onAck(ack(walnut, own, place.membership.newest(), 1), walnut.peer)
    expect(await place.book.change({ kind: 'restore', gone: [] })).toEqual({ status: 'signed', version: 1002 })
  })

  test('signs nothing by a clock that is far ahead, so that what was given for today is not given again', async () => {
    const raise = (dollars: bigint) =>
      place.book.change({ kind: 'limit', dim: 'day', amount: (dollars * 1_000_000_000n) as never })
    await raise(20n)
    const right = place.clock.ms
    Object.assign(place.clock, { ms: right + 366 * 86_400_000, doubt: 'it is a year ahead' })
    const refused = { status: 'refused', code: 'CLOCK', reason: expect.stringContaining('a year ahead') }
    expect(await raise(30n)).toMatchObject(refused)
    expect(await place.book.change({ kind: 'restore', gone: [] })).toMatchObject(refused)
    Object.assign(place.clock, { ms: right, doubt: undefined })
    expect(await raise(30n)).toMatchObject({ status: 'signed' })
    const [today] = place.book.sums()
    expect(today).toMatchObject({ period: 'd:2026-11-22', limit: 30_000_000_000n, believed: 30_000_000_000n })
  })

  test('signs nothing with another ledger than the manifest names, but a restore with which the old one is gone', async () => {
    const incarnation = '7'.repeat(32) as Incarnation
    const rebuilt = await openPlace({ incarnation })
    try {
      const refused = await rebuilt.book.change({ kind: 'limit', dim: 'day', amount: 4_000_000_000n as never })
      expect(refused).toMatchObject({ status: 'refused', code: 'RESTORE_NEEDED' })
      expect(await rebuilt.book.change({ kind: 'restore', gone: [own] })).toMatchObject({ status: 'signed' })
      const account = { peer: walnut.peer, incarnation }
      expect(await rebuilt.book.change({ kind: 'adopt', account })).toMatchObject({ status: 'signed' })
      const confirmed = rebuilt.book.untilConfirmed(account, 1002, AbortSignal.timeout(5_000))
      await rebuilt.book.onAck(ack(walnut, account, rebuilt.membership.newest(), 1), walnut.peer)
      await confirmed
      expect(await rebuilt.book.change({ kind: 'reissue', dim: 'day', by: 5n as never, account })).toMatchObject({
        status: 'signed',
      })
    } finally {
      await rebuilt.close()
    }
  })

  test('remembers a contradicting version through a restart, signs nothing meanwhile, and heals it', async () => {
    await place.book.change({ kind: 'limit', dim: 'day', amount: 6_000_000_000n as never })
    await place.membership.receive(signedElsewhere(place.first, 5_000_000_000n).bytes, ironwood.peer)
    await place.reopen()
    expect([version(), place.membership.contested()]).toEqual([2, true])
    const refused = await place.book.change({ kind: 'limit', dim: 'day', amount: 4_000_000_000n as never })
    expect(refused).toMatchObject({ status: 'refused', code: 'forked' })
    expect(await place.book.change({ kind: 'heal' })).toEqual({ status: 'signed', version: 3 })
    expect(place.membership.contested()).toBe(false)
    await place.reopen()
    expect(place.membership.contested()).toBe(false)
  })

  test('goes on when many versions waited for a node, once it confirms or is removed', async () => {
    await place.close()
    place = await openPlace({ maxVersions: 16 })
    await joinIronwood()
    const change = (amount: number) => place.book.change({ kind: 'limit', dim: 'day', amount: BigInt(amount) as never })
    let amount = 80_000_000_000
    for (; (await change(amount)).status === 'signed'; amount -= 1_000_000);
    expect(await change(amount)).toMatchObject({ status: 'refused', code: 'UNCONFIRMED' })
    const before = version()
    await place.book.change({ kind: 'remove-member', peer: ironwood.peer, how: 'attested' })
    expect(version()).toBe(before + 1)
    await place.book.onAck(ack(walnut, own, place.membership.newest(), 1), walnut.peer)
    place.clock.ms += 40 * 86_400_000
    expect(await change(amount)).toMatchObject({ status: 'signed' })
    expect(place.membership.versions().length).toBeLessThan(5)
  })

  test('forgets versions that everybody is past', async () => {
    for (const dollars of [8n, 7n, 6n, 5n]) {
      await place.book.change({ kind: 'limit', dim: 'day', amount: (dollars * 1_000_000_000n) as never })
      await place.book.onAck(ack(walnut, own, place.membership.newest(), Number(20n - dollars)), walnut.peer)
    }
    await place.reopen()
    expect(place.membership.versions().map(({ manifest }) => manifest.version)).toEqual([5])
  })
})
