/** One measurement beside what it is compared with, taken in the same run. */
export interface Row {
  readonly name: string
  /** Median over the repetitions, in `unit`; `floor` likewise. */
  readonly value: number
  readonly unit: string
  /** What the same machine did without us, at the same time. */
  readonly floor: number
  /** value / floor. */
  readonly ratio: number
  /** What the ratio should be: `<=x` or `>=x`. */
  readonly aim: string
}

export interface Pair {
  readonly value: number
  readonly floor: number
}

/** A row from the pairs of all repetitions. */
export function rowOf(name: string, unit: string, aim: string, pairs: readonly Pair[]): Row {
  const value = median(pairs.map((pair) => pair.value))
  const floor = median(pairs.map((pair) => pair.floor))
  return { name, value: rounded(value), unit, floor: rounded(floor), ratio: rounded(value / floor), aim }
}

export function isMet({ ratio, aim }: Row): boolean {
  const bound = Number(aim.slice(2))
  return aim.startsWith('<=') ? ratio <= bound : ratio >= bound
}

export function median(values: readonly number[]): number {
  if (values.length === 0) throw new RangeError('nothing was measured')
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}

function rounded(value: number): number {
  return Number(value.toPrecision(4))
}
