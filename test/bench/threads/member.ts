import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '../processes.ts'
import type { Member } from './measured-post.ts'
import { openOurs } from './ours.ts'
import { paced } from './paced.ts'
import { openRaw } from './raw.ts'

const directory = await mkdtemp(join(tmpdir(), 'bzzz-bench-'))
const seed = Buffer.from(process.argv[2] ?? '', 'hex')
const ours = await openOurs(directory, seed, { snapshots: false })
const raw = await openRaw(directory, seed)

/** What the suite may ask of one of the three processes. Times are of the machine's monotonic clock, milliseconds. */
const verbs = {
  addresses: () => ({ ours: ours.address, raw: raw.addresses }),
  meet: async (members: readonly Member[]) => {
    ours.meet(members)
    await raw.meet(members)
  },
  met: async () => {
    await Promise.all([ours.met(), raw.met()])
  },
  open: () => ours.open(),
  /** Posts `count` texts `gapMs` apart. @returns when each was begun */
  post: (side: Side, thread: string, run: string, count: number, gapMs: number) =>
    paced(count, gapMs, (i) => sides[side].post(thread, run, i)),
  burst: (side: Side, thread: string, run: string, count: number, inFlight: number) =>
    sides[side].burst(thread, run, count, inFlight),
  /** @returns when each post of the run was here, and on disk where the side stores it */
  arrivals: (side: Side, run: string, count: number) => sides[side].arrivals.of(run, count),
  /** @returns how many posts of the run came, and when the last one did */
  settled: (side: Side, run: string, count: number) => sides[side].arrivals.settled(run, count),
  /** Processor time so far, milliseconds. */
  cpu: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  },
}
const sides = { ours, raw }

export type MemberVerbs = typeof verbs
export type Side = keyof typeof sides

serve(verbs, async () => {
  await Promise.all([ours.close(), raw.close()])
  await rm(directory, { recursive: true, force: true })
})
