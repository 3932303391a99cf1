import { interleaved } from '../interleaved.ts'
import { type Measured, measure } from '../processes.ts'
import { median, type Row, rowOf } from '../rows.ts'
import { cpuOf } from './flood.ts'
import type { HubVerbs } from './hub-process.ts'
import type { MemberVerbs } from './member.ts'

const PACED = { posts: 200, gapMs: 15 }
const BURST = { posts: 2_000, inFlight: 64 }

type Member = Measured<MemberVerbs>
type HubMember = Measured<HubVerbs>

/** The same posts over an automerge-repo hub, which stores nothing: one client posts, the hub and the other client get them. */
export async function hubRows(
  members: readonly Member[],
  thread: string,
  progress: (line: string) => void,
): Promise<Row[]> {
  const star = await openStar()
  try {
    let runs = 0
    const ours = async (): Promise<Side> => oursOf(members, thread, `h${++runs}`)
    const hub = async (): Promise<Side> => hubOf(star, `h${++runs}`)
    progress('threads: warming up an automerge-repo hub')
    await hub()
    progress(`threads: ${PACED.posts} posts ${PACED.gapMs} ms apart, then ${BURST.posts}, beside an automerge-repo hub`)
    const sides = { ours: [] as Side[], hub: [] as Side[] }
    const visible = await interleaved(
      () => visibleOf(ours, sides.ours),
      () => visibleOf(hub, sides.hub),
    )
    const pairs = (of: (side: Side) => number) =>
      sides.ours.map((side, i) => ({ value: of(side), floor: of(sides.hub[i] ?? side) }))
    return [
      rowOf('threads.hub_visible_p50', 'ms', '<=0.1', visible),
      rowOf(
        'threads.hub_cpu_per_delivery',
        'µs',
        '<=0.5',
        pairs(({ cpuPerDelivery }) => cpuPerDelivery),
      ),
      rowOf(
        'threads.hub_posts',
        'posts/s',
        '>=1',
        pairs(({ postsPerSecond }) => postsPerSecond),
      ),
    ]
  } finally {
    await Promise.all(star.map((one) => one.close()))
  }
}

interface Side {
  readonly visibleMs: number
  /** Of the burst. */
  readonly cpuPerDelivery: number
  readonly postsPerSecond: number
}

async function visibleOf(run: () => Promise<Side>, sides: Side[]): Promise<number> {
  const side = await run()
  sides.push(side)
  return side.visibleMs
}

/** What either side can be asked, in its own words. */
interface Asked {
  readonly post: (run: string) => Promise<number[]>
  readonly burst: (run: string) => Promise<unknown>
  readonly arrivals: (run: string, posts: number) => Promise<number[][]>
  readonly cpu: () => Promise<number>
}

async function sideOf({ post, burst, arrivals, cpu }: Asked, run: string, others: number): Promise<Side> {
  const begun = await post(`${run}p`)
  const shown = await arrivals(`${run}p`, PACED.posts)
  const visibleMs = median(begun.map((at, i) => Math.max(...shown.map((times) => times[i] ?? Number.NaN)) - at))
  const before = await cpu()
  const startedMs = Number(process.hrtime.bigint()) / 1e6
  await burst(`${run}b`)
  const last = Math.max(...(await arrivals(`${run}b`, BURST.posts)).flat())
  return {
    visibleMs,
    cpuPerDelivery: (1_000 * ((await cpu()) - before)) / (BURST.posts * others),
    postsPerSecond: (1_000 * BURST.posts) / (last - startedMs),
  }
}

function oursOf(members: readonly Member[], thread: string, run: string): Promise<Side> {
  const [poster, ...others] = members as [Member, ...Member[]]
  const asked: Asked = {
    post: (name) => poster.ask('post', 'ours', thread, name, PACED.posts, PACED.gapMs),
    burst: (name) => poster.ask('burst', 'ours', thread, name, BURST.posts, BURST.inFlight),
    arrivals: (name, posts) => Promise.all(others.map((other) => other.ask('arrivals', 'ours', name, posts))),
    cpu: () => cpuOf(members),
  }
  return sideOf(asked, run, others.length)
}

function hubOf(star: readonly HubMember[], run: string): Promise<Side> {
  const [, poster, reader] = star as [HubMember, HubMember, HubMember]
  const asked: Asked = {
    post: (name) => poster.ask('post', name, PACED.posts, PACED.gapMs),
    burst: (name) => poster.ask('burst', name, BURST.posts, BURST.inFlight),
    arrivals: async (name, posts) => [await reader.ask('arrivals', name, posts)],
    cpu: async () => (await Promise.all(star.map((one) => one.ask('cpu')))).reduce((sum, ms) => sum + ms, 0),
  }
  return sideOf(asked, run, star.length - 1)
}

/** The hub, who posts, who reads. */
async function openStar(): Promise<HubMember[]> {
  const star = [0, 1, 2].map(() => measure<HubVerbs>(new URL('./hub-process.ts', import.meta.url)))
  const [hub, poster, reader] = star as [HubMember, HubMember, HubMember]
  const port = await hub.ask('listen')
  await Promise.all([poster.ask('connect', port), reader.ask('connect', port)])
  await reader.ask('find', await poster.ask('create'))
  return star
}
