import { type Budget, BudgetError } from '@bzzz/budget'
import type { Mesh } from '@bzzz/mesh'
import type { Membership } from '../membership/membership.ts'
import type { Owner } from './owner.ts'

/** A lost ack would keep others from what this account gave up: it is said again, and on every new link. */
const REPEAT_MS = 60_000

export interface AckOptions {
  readonly budget: Pick<Budget, 'acknowledge' | 'ack'>
  readonly mesh: Pick<Mesh, 'peer' | 'tellBudget'>
  readonly membership: Pick<Membership, 'subscribe'>
  readonly owner: Pick<Owner, 'onAck'>
  readonly onFailed: (error: unknown) => void
}

/** Acknowledges each manifest that comes into force, and tells so: to the others, and to the book of this node. */
export function tellAcks({ budget, mesh, membership, owner, onFailed }: AckOptions): () => Promise<void> {
  let told: Uint8Array | undefined
  let turn: Promise<void> = Promise.resolve()

  async function acknowledge(): Promise<void> {
    try {
      await budget.acknowledge()
      const ack = budget.ack()
      if (ack === undefined || ack === told) return
      told = ack
      mesh.tellBudget({ kind: 'ack', bytes: Uint8Array.from(ack) })
      await owner.onAck(ack, mesh.peer)
    } catch (error) {
      const hasEnded = error instanceof BudgetError && error.code === 'CLOSED' // it stops, or has left
      if (!hasEnded) onFailed(error)
    }
  }

  function again(): void {
    const ack = budget.ack()
    if (ack !== undefined) mesh.tellBudget({ kind: 'ack', bytes: Uint8Array.from(ack) })
  }

  const follow = () => {
    turn = turn.then(acknowledge)
  }
  const unfollow = membership.subscribe(follow)
  const repeating = setInterval(again, REPEAT_MS)
  follow()
  return async () => {
    unfollow()
    clearInterval(repeating)
    await turn
  }
}
