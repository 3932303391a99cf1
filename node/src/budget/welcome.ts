import type { Mesh } from '@bzzz/mesh'
import { accountKey, type Manifest, type NanoUsd, type NodeCard, type Period } from '@bzzz/protocols'
import type { Membership } from '../membership/membership.ts'
import { accountOf, calendarSpare, type Gift, type Giving, give } from './gifts.ts'

export type WelcomeFact =
  | { readonly type: 'welcomed'; readonly gifts: readonly Gift[] }
  | { readonly type: 'welcome-failed'; readonly error: unknown }

export interface WelcomeOptions extends Giving {
  readonly mesh: Giving['mesh'] & Pick<Mesh, 'peer' | 'cards' | 'subscribe'>
  readonly membership: Pick<Membership, 'newest' | 'signedHere' | 'subscribe'>
  readonly observe?: (fact: WelcomeFact) => void
}

/**
 * The node that let a machine in gives it its part of what is left at once: its own rights begin with the next day and
 * month. Once per opening, and period: what it needs besides, it asks for like everybody.
 */
export function welcomeNewcomers(options: WelcomeOptions): () => Promise<void> {
  const { budget, mesh, membership, observe } = options
  let turn: Promise<void> = Promise.resolve()
  let isClosed = false

  function look(card: NodeCard): void {
    if (isClosed || card.peer === mesh.peer || !membership.signedHere()) return
    if (!isNewcomer(membership.newest().manifest, card, budget.spare())) return
    if (budget.grantsTo({ peer: card.peer, incarnation: card.incarnation }).length > 0) return
    turn = turn.then(() => welcome(card))
  }

  /** Never rejects. */
  async function welcome(card: NodeCard): Promise<void> {
    if (isClosed || budget.grantsTo({ peer: card.peer, incarnation: card.incarnation }).length > 0) return
    try {
      const gifts = await give(options, card, partOf(card))
      if (gifts.length > 0) observe?.({ type: 'welcomed', gifts })
    } catch (error) {
      observe?.({ type: 'welcome-failed', error })
    }
  }

  /** Of what all have left, divided by the nodes; at most half of what is left here. */
  function partOf(card: NodeCard): Map<Period, NanoUsd> {
    const own = calendarSpare(budget.spare())
    const others = mesh
      .cards()
      .filter((known) => known.live && known.card.peer !== mesh.peer && known.card.peer !== card.peer)
    const nodes = membership.newest().manifest.members.filter(({ role }) => role === 'node').length
    return new Map(
      [...own].map(([period, amount]) => {
        const theirs = others.flatMap((known) => known.card.spare.filter((each) => each.period === period))
        const all = theirs.reduce((sum, each) => sum + each.amount, amount as bigint)
        const part = all / BigInt(Math.max(1, nodes))
        return [period, (part < amount / 2n ? part : amount / 2n) as NanoUsd]
      }),
    )
  }

  const unwatch = mesh.subscribe((event) => {
    if (event.type === 'card') look(event.card)
  })
  const lookAtAll = () => {
    for (const { card, live } of mesh.cards()) if (live) look(card)
  }
  const unfollow = membership.subscribe(lookAtAll)
  lookAtAll()
  return async () => {
    isClosed = true
    unwatch()
    unfollow()
    await turn
  }
}

/** A node of the mesh whose account has no rights of its own in what is running, whatever comes later. */
function isNewcomer(manifest: Manifest, card: NodeCard, running: readonly { readonly period: Period }[]): boolean {
  if (!manifest.members.some(({ peer, role }) => peer === card.peer && role === 'node')) return false
  const key = accountOf(card)
  if (manifest.closed.some(({ account }) => accountKey(account) === key)) return false
  const own = manifest.allotments.filter(({ account, amount }) => accountKey(account) === key && amount > 0n)
  return running.some(({ period }) => !own.some(({ dim, from }) => period.startsWith(dim[0] ?? '') && from <= period))
}
