import type { ManifestChange } from '@bzzz/budget'
import { dayPeriod, type NanoUsd, type Period } from '@bzzz/protocols'
import { expect, vi } from 'vitest'
import { endedBy } from './rounds.ts'
import { LABELS, NEWCOMER, type Spender, settleFromJournal, type Trio } from './trio.ts'

/** What was billed of a day, and the most that was ever allowed of it. */
export interface Day {
  readonly billed: bigint
  readonly limit: bigint
}

export interface Changed {
  /** Raised, then lowered, with a machine that came, while one was cut off. */
  readonly first: Day
  /** The lowered limit, which not all had confirmed when the day began, or all. */
  readonly second: Day
  /** A node less. */
  readonly third: Day
}

const RAISED = 1_300_000_000n as NanoUsd
const LOWERED = 600_000_000n as NanoUsd
const TOKENS = 300
const PATIENCE = { timeout: 30_000, interval: 100 }
const PARTED_PATIENCE_MS = 300
const WHOLE_PATIENCE_MS = 2_500
const HOUR_OF_CALLS = 60

/** @param confirmed whether the one that was cut off is back before the day ends */
export async function spendAndChange(trio: Trio, confirmed: boolean): Promise<Changed> {
  const [owner, second, away] = trio.spenders as [Spender, Spender, Spender]
  const { till } = trio
  const newcomer = trio.newcomer()
  const change = (wanted: ManifestChange) => owner.ask('change', wanted)
  const today = dayPeriod(trio.now())
  till.limit(today, 1_000_000_000n)
  await spend(trio, trio.spenders, 'before', HOUR_OF_CALLS)

  trio.cutOff([away.label], 'silent')
  const parted = spend(trio, [away], 'away', 10_000, PARTED_PATIENCE_MS)
  till.limit(today, RAISED)
  expect(await change({ kind: 'limit', dim: 'day', amount: RAISED })).toMatchObject({ status: 'signed' })
  const member = { peer: newcomer.peer, label: NEWCOMER, role: 'node' as const, addrs: [] }
  await change({ kind: 'add-member', member, account: newcomer.account })
  await newcomer.start()
  await trio.whole([owner.label, second.label, NEWCOMER])
  await spend(trio, [owner, second, newcomer], 'joined', HOUR_OF_CALLS)
  await change({ kind: 'limit', dim: 'day', amount: LOWERED })
  const spree = spend(trio, [owner, second, newcomer], 'killed', HOUR_OF_CALLS)
  await second.kill()
  await Promise.all([spree, parted])
  await second.start()

  const tomorrow = dayPeriod(trio.now() + DAY_MS)
  if (confirmed) {
    trio.heal()
    await trio.whole([...LABELS, NEWCOMER])
    await vi.waitFor(async () => expect(await mayCharge(owner, tomorrow)).toBe(LOWERED), PATIENCE)
  }
  const all = [...trio.spenders, newcomer]
  const first = await spendAll(trio, all, 'today', today)
  const limit = await mayCharge(owner, tomorrow)
  till.limit(tomorrow, limit)
  await trio.nextDay([...LABELS, NEWCOMER])
  const next = await spendAll(trio, all, 'tomorrow', tomorrow)

  trio.heal()
  await trio.whole([...LABELS, NEWCOMER])
  await second.kill()
  await change({ kind: 'remove-member', peer: second.peer, how: 'attested' })
  const rest = [owner, away, newcomer]
  const after = dayPeriod(trio.now() + DAY_MS)
  await vi.waitFor(async () => expect(await mayCharge(owner, after)).toBe(LOWERED), PATIENCE)
  till.limit(after, LOWERED)
  await trio.nextDay(rest.map(({ label }) => label))
  await trio.whole(rest.map(({ label }) => label))
  const third = await spendAll(trio, rest, 'after', after)
  return { first: { ...first, limit: RAISED }, second: { ...next, limit }, third: { ...third, limit: LOWERED } }
}

const DAY_MS = 86_400_000

/** By the owner's book: all that accounts may have opened a day with, or still may, and the mints. */
async function mayCharge(owner: Spender, day: Period): Promise<bigint> {
  const sum = (await owner.ask('sums')).find(({ period }) => period === day)
  if (sum === undefined) throw new RangeError(`the owner's book has no ${day}`)
  return sum.believed > sum.limit ? sum.believed : sum.limit
}

async function spend(
  { till }: Trio,
  by: readonly Spender[],
  name: string,
  calls: number,
  patienceMs = WHOLE_PATIENCE_MS,
): Promise<void> {
  const spree = { name, callers: 16, calls, tokens: TOKENS, patienceMs, till: till.url }
  await Promise.all(by.map((spender) => spender.ask('spend', spree).catch(endedBy(spender))))
  expect(till.faults).toEqual([])
}

/** Until nobody has anything left, nor the operator anything to settle. */
async function spendAll(trio: Trio, by: readonly Spender[], name: string, day: Period): Promise<{ billed: bigint }> {
  for (let i = 0; i < 3; i++) {
    await spend(trio, by, `${name}-${i}`, 100_000)
    await settleFromJournal({ spenders: by, till: trio.till })
  }
  await spend(trio, by, `${name}-last`, 100_000)
  return { billed: trio.till.billed(day) }
}
