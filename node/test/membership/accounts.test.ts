import type { KnownCard } from '@bzzz/mesh'
import type { Account, Incarnation, OpenedManifest, PeerId } from '@bzzz/protocols'
import { expect, test } from 'vitest'
import { knownAccounts } from '../../src/membership/accounts.ts'

const [walnut, pear, ana, oak] = ['walnut', 'pear', 'ana', 'oak'] as unknown as [PeerId, PeerId, PeerId, PeerId]
const account = (peer: PeerId, digit: string): Account => ({ peer, incarnation: digit.repeat(32) as Incarnation })
const card = ({ peer, incarnation }: Account) => ({ card: { peer, incarnation } }) as unknown as KnownCard
const member = (peer: PeerId, role: 'node' | 'laptop' = 'node') => ({ peer, label: String(peer), role, addrs: [] })

function known(own: Account, ...others: Account[]) {
  const weights = [walnut, pear].map((peer) => ({ account: account(peer, '1'), weight: 1 }))
  const before = { manifest: { members: [member(walnut), member(oak)], weights } } as unknown as OpenedManifest
  const members = [member(walnut), member(pear), member(ana, 'laptop')]
  const newest = { manifest: { members, weights } } as unknown as OpenedManifest
  return knownAccounts({
    membership: { newest: () => newest, versions: () => [before, newest], isMember: (peer) => peer !== oak },
    mesh: { cards: () => others.map(card) },
    account: own,
  })
}

test('an adoption is due of every node that works with an account of which the manifest does not know', () => {
  expect(known(account(walnut, '1'), account(pear, '2')).adoptionsDue()).toEqual(['pear'])
  expect(known(account(walnut, '3'), account(pear, '1')).adoptionsDue()).toEqual(['walnut'])
})

test('none is due of a node that just joined, of a laptop, and of one that was not met', () => {
  expect(known(account(pear, '1'), account(ana, '5')).adoptionsDue()).toEqual([])
})

test('an account is given up once its node works with another', () => {
  const { isGivenUp } = known(account(walnut, '3'), account(pear, '1'))
  expect([account(walnut, '1'), account(walnut, '3'), account(pear, '1'), account(oak, '1')].map(isGivenUp)).toEqual([
    true,
    false,
    false,
    false,
  ])
})

test('who is gone keeps the name that an earlier manifest has', () => {
  const { labelBefore, isMember } = known(account(oak, '1'))
  expect([labelBefore(oak), labelBefore('maple'), isMember()]).toEqual(['oak', undefined, false])
})
