import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MeshId, ThreadId } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { openThreads, type Threads } from '@bzzz/threads'
import { identityFromSeed } from 'bzzz'
import { concurrently, REPETITIONS } from '../interleaved.ts'
import { median, type Pair, type Row, rowOf } from '../rows.ts'

const LONG_ENTRIES = 10_000
const SHORT_ENTRIES = 100
const APPENDS = 60
const CONTENT = 'A sentence of a message, as somebody might write it in a review. '.repeat(9)

/** One append (synced, acknowledged) to a thread of 10,000 entries against one of 100, in turns. */
export async function appendRows(progress: (line: string) => void): Promise<Row[]> {
  progress(`threads: appends to ${LONG_ENTRIES} entries against ${SHORT_ENTRIES}`)
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-bench-'))
  const signer = identityFromSeed(randomBytes(32))
  const state = await openState({ directory })
  const mesh = 'c'.repeat(64) as MeshId
  const room = state.room('threads')
  const threads = await openThreads({ room, mesh, signer, isMember: () => true, now: Date.now, randomBytes })
  const append = appendsAs(threads, `human:bench@${signer.peer}`)
  try {
    const long = await append.thread(LONG_ENTRIES)
    const pairs: Pair[] = []
    for (let i = 0; i < REPETITIONS; i++)
      pairs.push(await inTurns(long, await append.thread(SHORT_ENTRIES), append.one))
    return [rowOf('threads.append_at_10000_p50', 'ms', '<=1.5', pairs)]
  } finally {
    await threads.close()
    await state.close()
    await rm(directory, { recursive: true, force: true })
  }
}

function appendsAs(threads: Threads, author: string) {
  let entries = 0
  const base = () => ({ id: `entry-${String(++entries).padStart(8, '0')}`, author, ts: Date.now() })
  const one = async (thread: ThreadId): Promise<void> =>
    void (await threads.append(thread, { type: 'message', ...base(), content: CONTENT }))
  return {
    one,
    /** A new one, with so many entries. */
    async thread(length: number): Promise<ThreadId> {
      const open = { type: 'open', ...base(), content: '', topic: 'bench', project: 'bench' } as const
      const { thread } = await threads.create(open)
      await concurrently(length - 1, 64, () => one(thread))
      return thread
    },
  }
}

async function inTurns(long: ThreadId, short: ThreadId, append: (thread: ThreadId) => Promise<void>): Promise<Pair> {
  const times = { value: [] as number[], floor: [] as number[] }
  for (let i = 0; i < APPENDS; i++) {
    times.value.push(await timed(() => append(long)))
    times.floor.push(await timed(() => append(short)))
  }
  return { value: median(times.value), floor: median(times.floor) }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}
