import { newThreadId } from '@bzzz/protocols'
import { expect } from 'vitest'
import type { Spree } from './callers.ts'
import { LABELS, type Spender, type Trio } from './trio.ts'

/** Ten cents. */
export const CAP = 100_000_000n
/** Of the cap at the opener, and at each of the others. */
const WEIGHTS = [3, 1, 1]
const PARTED_PATIENCE_MS = 200
const WHOLE_PATIENCE_MS = 2_500

export interface Capped {
  /** By the two that have a fifth each, and know of nobody. */
  readonly parted: bigint
  /** After all are connected again, and the two have spent what the opener left, too. */
  readonly whole: bigint
}

/** Three nodes that spend in one thread, first without knowing of one another. */
export async function spendCapped(trio: Trio, name: string): Promise<Capped> {
  const { till, spenders } = trio
  const thread = newThreadId(trio.now(), crypto.getRandomValues(new Uint8Array(10)))
  const label = `t:${thread}`
  till.limit(label, CAP)
  const homes = spenders.map(({ account }, index) => ({ account, weight: WEIGHTS[index] ?? 1 }))
  for (const spender of spenders) await spender.ask('openCapped', thread, CAP, homes)
  const [, ...guests] = spenders
  const spending = async (part: string, patienceMs: number, by: readonly Spender[]) => {
    const spree: Spree = {
      ...{ name: `${name}-${part}`, callers: 8, calls: 10_000, tokens: 100 },
      ...{ patienceMs, till: till.url, thread },
    }
    await Promise.all(by.map((spender) => spender.ask('spend', spree)))
    expect(till.faults).toEqual([])
    return till.billed(label)
  }
  trio.cutOff(LABELS, 'reset')
  const parted = await spending('parted', PARTED_PATIENCE_MS, guests)
  trio.heal()
  await trio.whole()
  const whole = await spending('whole', WHOLE_PATIENCE_MS, guests)
  return { parted, whole }
}
