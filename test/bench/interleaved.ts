import type { Pair } from './rows.ts'

export const REPETITIONS = 3

/**
 * Ours and the floor in turns, so that whatever else the machine does falls on both; the first of them changes with
 * each repetition.
 */
export async function interleaved(
  ours: () => Promise<number>,
  floor: () => Promise<number>,
  repetitions = REPETITIONS,
): Promise<Pair[]> {
  const pairs: Pair[] = []
  for (let i = 0; i < repetitions; i++) {
    if (i % 2 === 0) {
      const value = await ours()
      pairs.push({ value, floor: await floor() })
    } else {
      const before = await floor()
      pairs.push({ value: await ours(), floor: before })
    }
  }
  return pairs
}

/** `count` times, with so many at once. */
export async function concurrently(count: number, inFlight: number, work: (i: number) => Promise<void>): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
}
