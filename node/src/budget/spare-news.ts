import type { Budget, Rights } from '@bzzz/budget'
import type { Period } from '@bzzz/protocols'

export interface SpareNewsOptions {
  readonly budget: Pick<Budget, 'spare' | 'subscribe'>
  /** The card is to be told. */
  readonly announce: () => void
}

// A card goes to everybody; what others could ask for in between is refused, and told with the refusal.
const ANNOUNCE_MS = 1_000
/** A change of so large a part of what was told before is worth a card: one quarter. */
const MUCH = 4n

/** Announces the card when what this node could give changed much since the last time. @returns how to stop */
export function tellSpareNews({ budget, announce }: SpareNewsOptions): () => void {
  let told = amounts(budget.spare())
  let timer: NodeJS.Timeout | undefined

  function look(): void {
    timer = undefined
    const spare = amounts(budget.spare())
    if (!changedMuch(told, spare)) return
    told = spare
    announce()
  }

  const stop = budget.subscribe(() => {
    timer ??= setTimeout(look, ANNOUNCE_MS)
  })
  return () => {
    stop()
    clearTimeout(timer)
  }
}

function amounts(spare: readonly Rights[]): ReadonlyMap<Period, bigint> {
  return new Map(spare.map(({ period, amount }) => [period, amount]))
}

function changedMuch(before: ReadonlyMap<Period, bigint>, after: ReadonlyMap<Period, bigint>): boolean {
  return [...new Set([...before.keys(), ...after.keys()])].some((period) => {
    const [was, is] = [before.get(period) ?? 0n, after.get(period) ?? 0n]
    const change = was > is ? was - is : is - was
    return change * MUCH > was
  })
}
