import { type Account, accountKey, type NanoUsd, nanoUsdText, type ThreadCap } from '@bzzz/protocols'
import { BudgetError, invariant } from './errors.ts'
import { NO_USD, nanoUsdOf } from './usd.ts'

/**
 * Parts of an amount in proportion to whole weights, each rounded down, so that they never add up to more.
 * @throws {BudgetError} BAD_SHARES unless every weight is a whole number from 1 to 1,000,000
 */
export function splitByWeight(amount: NanoUsd, weights: readonly number[]): NanoUsd[] {
  const wrong = weights.find((weight) => !Number.isInteger(weight) || weight < 1 || weight > 1_000_000)
  if (wrong !== undefined) throw new BudgetError('BAD_SHARES', `weight ${wrong}: must be whole, from 1 to 1,000,000`)
  const total = weights.reduce((sum, weight) => sum + BigInt(weight), 0n)
  const shares = weights.map((weight) => nanoUsdOf((amount * BigInt(weight)) / total))
  invariant(1, shares.reduce((sum, share) => sum + share, 0n) <= amount, 'shares add up to more than the amount')
  return shares
}

/**
 * A thread's cap for its first entry, split once among the accounts that will spend it.
 * @throws {BudgetError} BAD_SHARES without an account, with one named twice, or with a wrong weight
 */
export function splitCap(amount: NanoUsd, homes: readonly { account: Account; weight: number }[]): ThreadCap {
  if (homes.length === 0) throw new BudgetError('BAD_SHARES', 'a cap needs an account that may spend it')
  if (new Set(homes.map(({ account }) => accountKey(account))).size < homes.length) {
    throw new BudgetError('BAD_SHARES', 'a cap names each account once')
  }
  const shares = splitByWeight(
    amount,
    homes.map(({ weight }) => weight),
  )
  return {
    amount: String(amount),
    shares: homes.map(({ account }, index) => ({ account, amount: String(shares[index]) })),
  }
}

/**
 * What a cap leaves to one account; nothing when it is not named.
 * @throws {BudgetError} BAD_SHARES when the shares exceed the cap or name an account twice: such a cap binds nobody
 */
export function shareOfCap(cap: ThreadCap, account: Account): NanoUsd {
  const shares = new Map(cap.shares.map((share) => [accountKey(share.account), capAmount(share.amount)]))
  const sum = [...shares.values()].reduce<bigint>((total, share) => total + share, 0n)
  if (shares.size < cap.shares.length || sum > capAmount(cap.amount)) {
    throw new BudgetError('BAD_SHARES', 'the shares of this cap are more than the cap')
  }
  return shares.get(accountKey(account)) ?? NO_USD
}

/** @throws {BudgetError} BAD_SHARES */
export function capAmount(text: string): NanoUsd {
  const amount = nanoUsdText.safeParse(text)
  if (!amount.success) throw new BudgetError('BAD_SHARES', `"${text.slice(0, 40)}" is not a number of nano-dollars`)
  return BigInt(amount.data) as NanoUsd
}
