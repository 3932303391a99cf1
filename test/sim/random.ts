/** Numbers that look random and are the same for the same seed. */
export interface Random {
  /** From 0, below 1. */
  next(): number
  /** A whole number from 0, below `below`. */
  below(below: number): number
  between(least: number, most: number): number
  /** With this mean, mostly small and now and then large. */
  exponential(mean: number): number
  chance(part: number): boolean
  pick<T>(items: readonly T[]): T
  /** Another series, whose length does not move this one. */
  fork(): Random
}

export function createRandom(seed: number): Random {
  let state = Math.imul(seed ^ 0x9e3779b9, 2654435761) >>> 0
  // mulberry32, by Tommy Ettinger, in the public domain
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const below = (most: number): number => Math.floor(next() * most)
  return {
    next,
    below,
    between: (least, most) => least + next() * (most - least),
    exponential: (mean) => -mean * Math.log(1 - next()),
    chance: (part) => next() < part,
    pick(items) {
      const item = items[below(items.length)]
      if (item === undefined) throw new RangeError('nothing to pick from')
      return item
    },
    fork: () => createRandom(Math.floor(next() * 2 ** 32)),
  }
}
