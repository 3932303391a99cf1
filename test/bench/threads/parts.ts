import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MeshId, SeqVector, ThreadId } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { openThreads, type Threads } from '@bzzz/threads'
import { identityFromSeed } from 'bzzz'
import { concurrently, REPETITIONS } from '../interleaved.ts'
import { median, type Pair, type Row, rowOf } from '../rows.ts'

/** The thread's own document and five successors, the fifth with some entries. */
const PARTS = 6
const SHORT_ENTRIES = 100
const APPENDS = 60
/** So many entries share changes, which is why the parts are there within seconds. */
const BUILT_AT_ONCE = 1_000
const MESH = 'd'.repeat(64) as MeshId
const CONTENT = 'A sentence of a message, as somebody might write it in a review. '.repeat(9)

/**
 * One append (synced, acknowledged), and one change from elsewhere (checked, applied, synced), in the fifth successor of a
 * thread of more than 50,000 entries against a thread of 100, in turns. All parts are there on both sides.
 */
export async function partsRows(progress: (line: string) => void): Promise<Row[]> {
  progress(`threads: appends and changes in part ${PARTS - 1} against a thread of ${SHORT_ENTRIES} entries`)
  const [writer, reader] = [await openPlace(), await openPlace()]
  try {
    const write = writesTo(writer)
    const long = await write.thread()
    while (writer.threads.parts(long).length < PARTS) await write.many(long, BUILT_AT_ONCE)
    const appends: Pair[] = []
    const applies: Pair[] = []
    for (let i = 0; i < REPETITIONS; i++) {
      const short = await write.thread()
      await write.many(short, SHORT_ENTRIES - 1)
      await bring(writer.threads, reader.threads)
      const pairs = await inTurns({ long, short }, write.one, reader.threads)
      appends.push(pairs.append)
      applies.push(pairs.apply)
    }
    return [
      rowOf('threads.append_fifth_part_p50', 'ms', '<=1.5', appends),
      rowOf('threads.apply_fifth_part_p50', 'ms', '<=1.5', applies),
    ]
  } finally {
    await writer.close()
    await reader.close()
  }
}

type Place = Awaited<ReturnType<typeof openPlace>>

async function openPlace() {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-bench-'))
  const signer = identityFromSeed(randomBytes(32))
  const state = await openState({ directory })
  const room = state.room('threads')
  const threads = await openThreads({ room, mesh: MESH, signer, isMember: () => true, now: Date.now, randomBytes })
  const last: { envelope: Uint8Array | undefined } = { envelope: undefined }
  threads.subscribe(({ own, envelope }) => {
    if (own) last.envelope = envelope
  })
  return {
    threads,
    author: `human:bench@${signer.peer}`,
    last,
    async close(): Promise<void> {
      await threads.close()
      await state.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

function writesTo({ threads, author, last }: Place) {
  let entries = 0
  const base = () => ({ id: `entry-${String(++entries).padStart(8, '0')}`, author, ts: Date.now() })
  const append = (thread: ThreadId) => threads.append(thread, { type: 'message', ...base(), content: CONTENT })
  return {
    /** @returns how long it took, and its envelope */
    async one(thread: ThreadId): Promise<{ ms: number; envelope: Uint8Array }> {
      const ms = await timed(() => append(thread))
      if (last.envelope === undefined) throw new Error('an append without an envelope')
      return { ms, envelope: last.envelope }
    },
    many: (thread: ThreadId, count: number) =>
      concurrently(count, BUILT_AT_ONCE, async () => void (await append(thread))),
    async thread(): Promise<ThreadId> {
      const open = { type: 'open', ...base(), content: '', topic: 'bench', project: 'bench' } as const
      return (await threads.create(open)).thread
    },
  }
}

const NOTHING: SeqVector = new Map()

/** Every change of every document that the other lacks. */
async function bring(from: Threads, to: Threads): Promise<void> {
  const have = await to.digest()
  for (const document of (await from.digest()).keys()) {
    const known = have.has(document) ? await to.vector(document) : NOTHING
    for await (const envelope of from.envelopesAfter(document, known)) await to.receive(envelope)
  }
}

async function inTurns(
  { long, short }: { readonly long: ThreadId; readonly short: ThreadId },
  append: (thread: ThreadId) => Promise<{ ms: number; envelope: Uint8Array }>,
  reader: Threads,
): Promise<{ append: Pair; apply: Pair }> {
  const times = {
    long: [] as number[],
    short: [] as number[],
    appliedLong: [] as number[],
    appliedShort: [] as number[],
  }
  for (let i = 0; i < APPENDS; i++) {
    const inLong = await append(long)
    const inShort = await append(short)
    times.long.push(inLong.ms)
    times.short.push(inShort.ms)
    times.appliedLong.push(await timed(() => reader.receive(inLong.envelope)))
    times.appliedShort.push(await timed(() => reader.receive(inShort.envelope)))
  }
  return {
    append: { value: median(times.long), floor: median(times.short) },
    apply: { value: median(times.appliedLong), floor: median(times.appliedShort) },
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now()
  await work()
  return performance.now() - begun
}
