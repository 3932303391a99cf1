import type { ManifestChange } from '@bzzz/budget'
import type { CallId, NanoUsd, ThreadId } from '@bzzz/protocols'
import { serve } from '../bench/processes.ts'
import { type CapHome, openCapped, type Spree, spend, standingOf } from './callers.ts'
import { accountIn, type Home, type HomeOptions, openHome, type Place } from './home.ts'

/** One of the processes that spend. Its parent asks, kills it, and starts it again in the same directory. */
const [directory = '', seed = '', port = '', ahead = ''] = process.argv.slice(2)
const options: HomeOptions = {
  directory,
  seed: Buffer.from(seed, 'hex'),
  port: Number(port),
  aheadMs: Number(ahead),
}

let home: Home | undefined
function opened(): Home {
  if (home === undefined) throw new Error('the node is not open')
  return home
}

const verbs = {
  account: () => accountIn(options),
  open: async (place: Place) => {
    home = await openHome(options, place)
  },
  /** How many other nodes it is linked with. */
  linked: () =>
    opened()
      .mesh.peers()
      .filter(({ state }) => state === 'online').length,
  spend: (spree: Spree) => spend(opened().budget, opened().now, spree),
  openCapped: (thread: ThreadId, cap: bigint, homes: readonly CapHome[]) =>
    openCapped(opened().budget, thread, cap, homes),
  standing: () => standingOf(opened().budget, opened().now),
  change: (change: ManifestChange) => opened().owner.change(change),
  /** By period: what all accounts together may still charge, by the acks that came. */
  sums: () =>
    opened()
      .owner.sums()
      .map(({ period, limit, believed }) => ({ period, limit, believed })),
  settle: async (bills: readonly (readonly [call: CallId, amount: bigint])[]) => {
    for (const [call, amount] of bills) await opened().budget.settleByWord(call, amount as NanoUsd)
  },
}

export type HomeVerbs = typeof verbs

serve(verbs, async () => home?.close())
