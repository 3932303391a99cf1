import type { BudgetFact } from '@bzzz/budget'
import { type Account, accountKey, readGrant } from '@bzzz/protocols'
import type { World } from './world.ts'

/** Looks at what one machine does with accounts in use twice, for the oracle. */
export interface Witness {
  /** Its process starts with what its ledger tells. */
  begin(account: Account, ledger: string): void
  onFact(fact: BudgetFact): void
  /** A grant to its account was booked. */
  onCredited(grant: Uint8Array, amount: bigint): void
}

export function createWitness({ doubles, oracle, trace }: World, index: number): Witness {
  let own: Account | undefined
  let ledger = ''
  const forked = new Set<string>()

  return {
    begin(account, next) {
      own = account
      ledger = next
      forked.clear()
    },
    onFact(fact) {
      const double = own && doubles.of(own)
      if (fact.type === 'opened') double?.opened(ledger, fact.period, fact.initial)
      if (fact.type === 'minted') double?.minted(ledger, fact.period, fact.amount)
      if (fact.type !== 'forked' && fact.type !== 'outrun') return
      const { type, account } = fact
      trace(() => `node ${index} sees ${account.incarnation.slice(0, 8)} ${type}`)
      if (type === 'forked') forked.add(accountKey(account))
      if (doubles.of(account) === undefined) oracle.note('false-alarm', `node ${index}: ${type} ${accountKey(account)}`)
    },
    onCredited(grant, amount) {
      const { from, to, period } = readGrant(grant)
      doubles.of(to.account)?.credited(ledger, period, `${accountKey(from)} ${to.boot.nonce}`, amount)
      if (forked.has(accountKey(from))) oracle.note('unstopped', `node ${index} credits an account in use twice`)
    },
  }
}
