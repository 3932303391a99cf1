import type { Mesh } from '@bzzz/mesh'
import { type Account, accountKey, type Incarnation, type PeerId } from '@bzzz/protocols'
import type { Membership } from './membership.ts'

/** What the manifests that are here tell of members and their accounts, the present ones and those before. */
export interface KnownAccounts {
  /** False once a manifest that is here leaves this node out. */
  isMember(): boolean
  /** Labels of nodes that work with a ledger of which the manifest does not know, as far as this node hears. */
  adoptionsDue(): readonly string[]
  /** Its node works with another account now. */
  isGivenUp(account: Account): boolean
  /** As it was called before it left or was removed; undefined when no manifest that is here names it. */
  labelBefore(peer: string): string | undefined
}

export interface AccountsOptions {
  readonly membership: Pick<Membership, 'newest' | 'versions' | 'isMember'>
  readonly mesh: Pick<Mesh, 'cards'>
  readonly account: Account
}

export function knownAccounts({ membership, mesh, account }: AccountsOptions): KnownAccounts {
  /** What each works with, as it says itself; a peer that was not met is not among them. */
  function present(): Map<PeerId, Incarnation> {
    const told = mesh.cards().map(({ card }): [PeerId, Incarnation] => [card.peer, card.incarnation])
    return new Map([...told, [account.peer, account.incarnation]])
  }

  return {
    isMember: () => membership.isMember(account.peer),
    adoptionsDue() {
      const { members, weights } = membership.newest().manifest
      const known = new Set(weights.map((each) => accountKey(each.account)))
      const accounts = present()
      return members.flatMap(({ peer, label, role }) => {
        const incarnation = accounts.get(peer)
        return role !== 'node' || incarnation === undefined || known.has(accountKey({ peer, incarnation }))
          ? []
          : [label]
      })
    },
    isGivenUp({ peer, incarnation }) {
      const now = present().get(peer)
      return now !== undefined && now !== incarnation
    },
    labelBefore: (peer) =>
      membership
        .versions()
        .flatMap(({ manifest }) => manifest.members)
        .findLast((member) => member.peer === peer)?.label,
  }
}
