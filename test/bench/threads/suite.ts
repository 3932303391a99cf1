import { randomBytes } from 'node:crypto'
import { interleaved } from '../interleaved.ts'
import { type Measured, measure } from '../processes.ts'
import { median, type Row, rowOf } from '../rows.ts'
import { appendRows } from './append.ts'
import { cpuOf, floodRows } from './flood.ts'
import { hubRows } from './hub.ts'
import { joinRows } from './join.ts'
import type { MemberVerbs, Side } from './member.ts'
import { memoryRows } from './memory.ts'
import { partsRows } from './parts.ts'

const PACED = { posts: 200, gapMs: 15 }
const BURST = { posts: 2_000, inFlight: 64 }

/** Three processes on loopback; each runs our rooms and, beside them, raw gossipsub. The first one posts. */
export async function threadsSuite(progress: (line: string) => void): Promise<Row[]> {
  const members = await openMembers()
  try {
    const [poster, ...others] = members as [Member, ...Member[]]
    const thread = await poster.ask('open')
    let runs = 0

    const latency = async (side: Side, posts = PACED.posts): Promise<number> => {
      const run = `p${++runs}`
      const begun = await poster.ask('post', side, thread, run, posts, PACED.gapMs)
      const arrivals = await Promise.all(others.map((other) => other.ask('arrivals', side, run, posts)))
      return median(begun.map((at, i) => Math.max(...arrivals.map((times) => times[i] ?? Number.NaN)) - at))
    }
    const cpuOfBurst = async (side: Side, posts = BURST.posts): Promise<number> => {
      const run = `b${++runs}`
      const before = await cpuOf(members)
      await poster.ask('burst', side, thread, run, posts, BURST.inFlight)
      await Promise.all(others.map((other) => other.ask('arrivals', side, run, posts)))
      return (1_000 * ((await cpuOf(members)) - before)) / (posts * others.length)
    }

    progress('threads: warming up')
    for (const side of ['ours', 'raw'] as const) {
      await latency(side, 50)
      await cpuOfBurst(side, 500)
    }
    progress(`threads: ${PACED.posts} posts of 1 KiB, ${PACED.gapMs} ms apart, until they are synced on both others`)
    const visible = await interleaved(
      () => latency('ours'),
      () => latency('raw'),
    )
    progress(`threads: ${BURST.posts} posts of 1 KiB, ${BURST.inFlight} at once`)
    const burst = await interleaved(
      () => cpuOfBurst('ours'),
      () => cpuOfBurst('raw'),
    )
    return [
      rowOf('threads.post_visible_p50', 'ms', '<=2', visible),
      rowOf('threads.burst_cpu_per_delivery', 'µs', '<=1', burst),
      ...(await floodRows(members, progress)),
      ...(await hubRows(members, await poster.ask('open'), progress)),
      ...(await appendRows(progress)),
      ...(await partsRows(progress)),
      ...(await joinRows(progress)),
      ...(await memoryRows(progress)),
    ]
  } finally {
    await Promise.all(members.map((member) => member.close()))
  }
}

type Member = Measured<MemberVerbs>

async function openMembers(): Promise<Member[]> {
  const seeds = Array.from({ length: 3 }, () => randomBytes(32))
  const members = seeds.map((seed) =>
    measure<MemberVerbs>(new URL('./member.ts', import.meta.url), [seed.toString('hex')]),
  )
  const places = await Promise.all(members.map((member) => member.ask('addresses')))
  const known = places.map(({ ours, raw }, i) => ({
    seed: Uint8Array.from(seeds[i] ?? []),
    address: ours,
    rawAddresses: raw,
  }))
  for (const [i, member] of members.entries()) await member.ask('meet', known.slice(0, i + 1))
  for (const member of members) await member.ask('meet', known)
  await Promise.all(members.map((member) => member.ask('met')))
  return members
}
