import { type Account, accountKey } from '@bzzz/protocols'
import type { EscrowHouse, Image } from './home.ts'
import { numberOf } from './people.ts'
import type { World } from './world.ts'

const LOOK_MS = 60_000
/** Cards and links repeat within seconds, own slots each minute. */
const NOTICED_MS = 5 * 60_000

/**
 * A machine that was put back with its mark: once somebody is linked to it who has seen more of its account, it may not go on. Not
 * when it was opened once more before: the ledger does not keep how far each of its openings had signed.
 */
export function watchPutBack(
  world: World,
  houses: readonly EscrowHouse[],
  node: number,
  { account, mark, newest }: Image,
): void {
  const { clockwork, network, oracle, plan } = world
  let sinceMs: number | undefined
  let first: EscrowHouse['process']

  // Of those that run on: a peer that was stopped may have forgotten the last minute.
  const knowing = new Map(
    [...houses.entries()].flatMap(([at, { process }]) => {
      const seen = process?.budget.seen() ?? []
      const known = seen.filter((one) => accountKey(one.account) === accountKey(account))
      const isMore = known.some(({ thing }) => numberOf(thing, newest.mesh) > (mark?.signedSeq ?? 0))
      return at !== node && isMore ? [[at, process] as const] : []
    }),
  )

  function look(): void {
    const isLinked = (at: number): boolean => network.reaches(node, at) && network.reaches(at, node)
    const { process } = houses[node] ?? {}
    first ??= process
    const goesOn =
      process !== undefined &&
      process === first &&
      accountKey(process.budget.account) === accountKey(account) &&
      process.stops.stopped === undefined
    const isKnown = [...knowing].some(([at, process]) => isLinked(at) && houses[at]?.process === process)
    sinceMs = goesOn && isKnown ? (sinceMs ?? clockwork.nowMs) : undefined
    if (sinceMs !== undefined && clockwork.nowMs - sinceMs > NOTICED_MS) {
      oracle.note('unstopped', `node ${node} goes on with an older ledger`)
      return
    }
    if (clockwork.nowMs < plan.endMs) clockwork.after(LOOK_MS, look)
  }
  clockwork.after(LOOK_MS, look)
}

/** Two machines with one account: once somebody has been linked to both, and told something new by each, neither may go on. */
export function watchTwins(
  world: World,
  houses: readonly EscrowHouse[],
  twins: readonly [number, number],
  account: Account,
): void {
  const { clockwork, network, oracle, plan } = world
  const since = new Map<number, readonly [number, number]>()
  let seenBothMs: number | undefined

  const running = (index: number): EscrowHouse | undefined => {
    const { process } = houses[index] ?? {}
    const isIt = process !== undefined && accountKey(process.budget.account) === accountKey(account)
    return isIt && process.stops.stopped === undefined ? houses[index] : undefined
  }

  function isLinked(between: number): boolean {
    const links = twins.flatMap((twin) => [network.reaches(twin, between), network.reaches(between, twin)])
    return houses[between]?.isUp === true && links.every(Boolean)
  }

  function look(): void {
    const both = twins.map(running)
    const told = twins.map((twin) => houses[twin]?.told ?? 0)
    const [one = 0, other = 0] = told
    for (const between of houses.keys()) {
      const isPeer = houses[between]?.peer !== houses[twins[0]]?.peer
      if (!isPeer || both.includes(undefined) || !isLinked(between)) since.delete(between)
      else if (!since.has(between)) since.set(between, [one, other])
    }
    const hasSeenBoth = [...since.values()].some(([first, second]) => one > first && other > second)
    seenBothMs = hasSeenBoth ? (seenBothMs ?? clockwork.nowMs) : undefined
    if (seenBothMs !== undefined && clockwork.nowMs - seenBothMs > NOTICED_MS) {
      oracle.note('unstopped', `nodes ${twins.join(' and ')} go on with one account`)
      return
    }
    if (clockwork.nowMs < plan.endMs) clockwork.after(LOOK_MS, look)
  }
  clockwork.after(LOOK_MS, look)
}
