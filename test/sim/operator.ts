import type { OpenedManifest } from '@bzzz/protocols'
import type { EscrowProcess } from './escrow-process.ts'
import type { EscrowHouse } from './home.ts'
import type { Owner } from './owner.ts'
import type { Random } from './random.ts'

/** The person behind a machine: who does what its words say, after a while. */
export interface Operator {
  /** Tells the owner of a new ledger. */
  adopt(of: EscrowProcess): void
  /** At a start, and whenever the account is stopped. */
  look(of: EscrowProcess): void
}

export interface OperatorTerms {
  readonly random: Random
  readonly houses: readonly EscrowHouse[]
  readonly owner: Pick<Owner, 'change'>
  readonly newest: () => OpenedManifest
  /** The machine is a copy, which is thrown away when that is found out. */
  readonly isCopy: boolean
  readonly remove: () => void
  /** @param renews with "bzzz budget new-ledger" */
  readonly restart: (renews: boolean) => void
}

const ADOPTION_MS = 3 * 3_600_000
const REPAIR_MS = 1.5 * 3_600_000

export function createOperator({ random, houses, owner, newest, ...machine }: OperatorTerms): Operator {
  function adopt(of: EscrowProcess): void {
    const { account } = of.budget
    if (newest().manifest.weights.some((entry) => entry.account.incarnation === account.incarnation)) return
    of.after(random.exponential(ADOPTION_MS), () => {
      if (houses[0]?.isUp !== true || !owner.change({ kind: 'adopt', account })) adopt(of)
    })
  }

  return {
    adopt,
    look(of) {
      const { stopped } = of.stops
      if (stopped === undefined) return
      of.after(random.exponential(REPAIR_MS), () => {
        if (machine.isCopy) machine.remove()
        else machine.restart(stopped === 'forked')
      })
    },
  }
}
