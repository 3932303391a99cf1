import { signChange } from '@bzzz/budget'
import { type Incarnation, type Manifest, type OpenedManifest, sealManifest } from '@bzzz/protocols'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openPlace, owner, type Place, seeded, walnut } from './place.ts'

let place: Place
beforeEach(async () => {
  place = await openPlace()
})
afterEach(() => place.close())

const from = seeded(2).peer
const laptop = (number: number) => ({
  ...{ peer: seeded(number).peer, label: `laptop-${number}`, role: 'laptop' as const, addrs: [] },
})
function next(after: OpenedManifest, number: number): OpenedManifest {
  const book = { versions: [after], acks: new Map(), forks: [] }
  const change = { kind: 'add-member', member: laptop(number), account: null } as const
  const signed = signChange(book, change, { owner, now: Date.now() })
  if (signed.status !== 'signed') throw new Error(signed.status)
  return signed.next
}

test('a newer manifest is in force once it is on disk, and after the next start', async () => {
  const seen: number[] = []
  place.membership.subscribe(() => seen.push(place.membership.newest().manifest.version))
  const second = next(place.first, 20)
  await place.membership.receive(second.bytes, from)
  expect(place.membership.isMember(seeded(20).peer)).toBe(true)
  expect([seeded(20), walnut].map(({ peer }) => place.membership.isLaptop(peer))).toEqual([true, false])
  expect(seen).toEqual([2])
  await place.reopen()
  expect(place.membership.newest().hash).toEqual(second.hash)
  expect(place.membership.first.hash).toEqual(place.first.hash)
})

test('what is older or known changes nothing', async () => {
  const second = next(place.first, 20)
  await place.membership.receive(second.bytes, from)
  for (const { bytes } of [place.first, second]) await place.membership.receive(bytes, from)
  expect(place.membership.newest().manifest.version).toBe(2)
  expect(place.facts.map(({ type }) => type)).toEqual(['manifest-adopted'])
})

test('of two with one number the first that came stays, with one warning', async () => {
  const [ours, theirs] = [next(place.first, 20), next(place.first, 21)]
  await place.membership.receive(ours.bytes, from)
  for (const { bytes } of [theirs, next(theirs, 22), theirs]) await place.membership.receive(bytes, from)
  expect(place.membership.newest().hash).toEqual(ours.hash)
  expect(place.facts.filter(({ type }) => type === 'manifest-forked')).toEqual([
    { type: 'manifest-forked', version: 2, from },
  ])
})

test('a stranger’s manifest is refused, however high its number', async () => {
  const thief = seeded(66)
  const body: Manifest = { ...place.first.manifest, version: 9, prevHash: new Uint8Array(32) }
  const usurped = sealManifest({ ...body, owner: Uint8Array.from(thief.publicKey) }, place.first.mesh, thief)
  await expect(place.membership.receive(usurped, from)).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
  const forged = sealManifest(body, place.first.mesh, thief)
  await expect(place.membership.receive(forged, from)).rejects.toMatchObject({ code: 'BAD_SIGNATURE' })
  await expect(place.membership.receive(new Uint8Array(9), from)).rejects.toMatchObject({ name: 'ProtocolError' })
  expect(place.membership.newest().manifest.version).toBe(1)
})

test('whom a version named that is still known, or the newest closes, was a member once', async () => {
  const { peer } = seeded(20)
  const was = () => [peer, walnut.peer, seeded(66).peer].map(place.membership.wasMember)
  const second = next(place.first, 20)
  await place.membership.receive(second.bytes, from)
  expect(was()).toEqual([false, false, false])
  const removal = { kind: 'remove-member', peer, how: 'attested' } as const
  const book = { versions: [place.first, second], acks: new Map(), forks: [] }
  const signed = signChange(book, removal, { owner, now: Date.now() })
  if (signed.status !== 'signed') throw new Error(signed.status)
  await place.membership.receive(signed.next.bytes, from)
  expect(was()).toEqual([true, false, false])
  await place.reopen()
  expect(was()).toEqual([true, false, false])
})

test('so was a node of which only the closed account is still known', async () => {
  const incarnation = '0123456789abcdef0123456789abcdef' as Incarnation
  const gone = { account: { peer: seeded(30).peer, incarnation }, fromDay: 'd:2026-11-23', fromMonth: 'm:2026-12' }
  const { manifest, mesh, hash } = place.first
  const body = {
    ...manifest,
    version: 2,
    prevHash: Uint8Array.from(hash),
    closed: [{ ...gone, attestedBy: owner.peer }],
  }
  await place.membership.receive(sealManifest(body as Manifest, mesh, owner), from)
  expect(place.membership.wasMember(seeded(30).peer)).toBe(true)
})
