import { randomBytes } from 'node:crypto'
import { REPETITIONS } from '../interleaved.ts'
import { measure } from '../processes.ts'
import { type Pair, type Row, rowOf } from '../rows.ts'
import { openCountingProxy } from './counting-proxy.ts'
import type { JoinVerbs } from './join-process.ts'

const ENTRIES = 10_000

/** A node without anything joins one that has a long thread, and a snapshot of it, as after some quiet seconds. */
export async function joinRows(progress: (line: string) => void): Promise<Row[]> {
  progress(`threads: writing ${ENTRIES} entries`)
  const seeds = { holder: randomBytes(32), joiners: Array.from({ length: REPETITIONS }, () => randomBytes(32)) }
  const holder = openOne(seeds.holder)
  const readable: Pair[] = []
  const verified: Pair[] = []
  const bytes: Pair[] = []
  try {
    const address = await holder.ask('address')
    const members = [seeds.holder, ...seeds.joiners].map((seed) => ({ seed, address: '' }))
    await holder.ask('meet', members)
    const { thread, packedBytes } = await holder.ask('write', ENTRIES)
    for (const [i, seed] of seeds.joiners.entries()) {
      progress(`threads: a cold join of ${ENTRIES} entries, ${i + 1} of ${REPETITIONS}`)
      const joiner = openOne(seed)
      const proxy = await openCountingProxy(Number(/tcp\/(\d+)/.exec(address)?.[1]))
      try {
        const there = address.replace(/tcp\/\d+/, `tcp/${proxy.port}`)
        await joiner.ask('meet', [
          { seed: seeds.holder, address: there },
          { seed, address: '' },
        ])
        const joined = await joiner.ask('joined', thread, ENTRIES)
        bytes.push({ value: proxy.bytes / 1024, floor: packedBytes / 1024 })
        const floor = await joiner.ask('load', thread)
        readable.push({ value: joined.readableMs, floor })
        verified.push({ value: joined.verifiedMs, floor })
      } finally {
        await joiner.close()
        proxy.close()
      }
    }
  } finally {
    await holder.close()
  }
  return [
    rowOf('threads.join_10000_readable', 'ms', '<=2', readable),
    rowOf('threads.join_10000_verified', 'ms', '<=8', verified),
    rowOf('threads.join_10000_bytes', 'KiB', '<=1.3', bytes),
  ]
}

function openOne(seed: Uint8Array) {
  return measure<JoinVerbs>(new URL('./join-process.ts', import.meta.url), [Buffer.from(seed).toString('hex')])
}
