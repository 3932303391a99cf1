import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Account, NanoUsd, Period } from '@bzzz/protocols'
import { accountIn, type Home, type HomeOptions, openHome, type Place } from '../../billing/home.ts'
import { serve } from '../processes.ts'
import { openEcho } from './echo.ts'

/** One of two nodes between which rights move, with a bare libp2p node beside it. */
const directory = await mkdtemp(join(tmpdir(), 'bzzz-bench-'))
const seed = randomBytes(32)
const options: HomeOptions = { directory, seed, port: Number(process.argv[2]), aheadMs: 0 }
const echo = await openEcho(seed, join(directory, 'floor'))
let home: Home | undefined

const AMOUNT = 1_000n as NanoUsd
const ANSWER_MS = 5_000
const answered: number[] = []
/** By period: all that came. */
const moved = new Map<Period, bigint>()

const verbs = {
  account: () => accountIn(options),
  addresses: () => echo.addresses(),
  open: async (place: Place) => {
    home = await openHome(options, place)
  },
  linked: () => home?.mesh.peers().filter(({ state }) => state === 'online').length ?? 0,
  meet: (address: string) => echo.meet(address),
  /** Milliseconds that each took. */
  echoes: (count: number, synced: boolean) => timed(count, () => echo.ask(synced)),
  grants: (donor: Account, count: number) => timed(count, () => ask(donor)),
  /** Of those, until the grants were here and not yet booked. */
  answers: (donor: Account, count: number) => {
    answered.length = 0
    return timed(count, () => ask(donor)).then(() => [...answered])
  },
}

export type GrantVerbs = typeof verbs

/** Rights in the running day and month: signed and synced there, proven and synced here. */
async function ask(donor: Account): Promise<void> {
  if (home === undefined) throw new Error('the node is not open')
  const { budget, mesh } = home
  const needs = budget.spare().map(({ period }) => {
    return { period, least: AMOUNT, want: AMOUNT, credited: (moved.get(period) ?? 0n) as NanoUsd }
  })
  const request = { to: { account: budget.account, boot: budget.boot }, sinceMs: Date.now(), perSecond: 0, needs }
  const begun = performance.now()
  const answer = await mesh.askGrant(donor.peer, request, { signal: AbortSignal.timeout(ANSWER_MS) })
  answered.push(performance.now() - begun)
  if (answer?.granting.status !== 'granted') throw new Error(answer?.granting.reason ?? 'no answer')
  for (const one of await Promise.all(answer.granting.grants.map((grant) => budget.credit(grant)))) {
    if (one.status === 'refused') throw new Error(one.reason)
  }
  for (const { period } of needs) moved.set(period, (moved.get(period) ?? 0n) + AMOUNT)
}

async function timed(count: number, work: () => Promise<void>): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const begun = performance.now()
    await work()
    times.push(performance.now() - begun)
  }
  return times
}

serve(verbs, async () => {
  await home?.close()
  await echo.close()
  await rm(directory, { recursive: true, force: true })
})
