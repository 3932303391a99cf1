import { interleaved } from '../interleaved.ts'
import type { Measured } from '../processes.ts'
import { type Row, rowOf } from '../rows.ts'
import type { MemberVerbs, Side } from './member.ts'

const FLOOD = { posts: 5_000, inFlight: 64 }

type Member = Measured<MemberVerbs>
interface Flood {
  readonly postsPerSecond: number
  readonly cpuPerDelivery: number
}

/** As many posts as fit, each time into a new thread: ours signed, synced and merged on each end, against signed gossip that publishes each by itself. */
export async function floodRows(members: readonly Member[], progress: (line: string) => void): Promise<Row[]> {
  progress(`threads: ${FLOOD.posts} posts of 1 KiB, ${FLOOD.inFlight} at once, until all are on both others`)
  let runs = 0
  const floods: Record<Side, Flood[]> = { ours: [], raw: [] }
  const measured = async (side: Side): Promise<number> => {
    const flood = await floodOf(members, side, `f${++runs}`)
    floods[side].push(flood)
    return flood.postsPerSecond
  }
  const posts = await interleaved(
    () => measured('ours'),
    () => measured('raw'),
  )
  const cpu = floods.ours.map((ours, i) => ({
    value: ours.cpuPerDelivery,
    floor: floods.raw[i]?.cpuPerDelivery ?? Number.NaN,
  }))
  return [
    rowOf('threads.flood_posts', 'posts/s', '>=5', posts),
    rowOf('threads.flood_cpu_per_delivery', 'µs', '<=0.25', cpu),
  ]
}

/** Raw gossip loses some of a flood: what did not come does not count for it. */
async function floodOf(members: readonly Member[], side: Side, run: string): Promise<Flood> {
  const [poster, ...others] = members as [Member, ...Member[]]
  const thread = side === 'ours' ? await poster.ask('open') : ''
  const cpuBefore = await cpuOf(members)
  const begun = Number(process.hrtime.bigint()) / 1e6
  await poster.ask('burst', side, thread, run, FLOOD.posts, FLOOD.inFlight)
  const settled = await Promise.all(others.map((other) => other.ask('settled', side, run, FLOOD.posts)))
  const cpuMs = (await cpuOf(members)) - cpuBefore
  const arrived = settled.reduce((sum, each) => sum + each.arrived, 0)
  if (side === 'ours' && arrived < FLOOD.posts * others.length) throw new Error(`${arrived} posts of ${run} arrived`)
  const seconds = (Math.max(...settled.map(({ lastAt }) => lastAt)) - begun) / 1_000
  return { postsPerSecond: arrived / others.length / seconds, cpuPerDelivery: (1_000 * cpuMs) / arrived }
}

/** Processor time of all of them so far, milliseconds. */
export async function cpuOf(members: readonly Member[]): Promise<number> {
  const times = await Promise.all(members.map((member) => member.ask('cpu')))
  return times.reduce((sum, ms) => sum + ms, 0)
}
