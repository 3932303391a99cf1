import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { zstdCompressSync } from 'node:zlib'
import type { ThreadId } from '@bzzz/protocols'
import { serve } from '../processes.ts'
import { writer } from '../prose.ts'
import type { Member } from './measured-post.ts'
import { openOurs } from './ours.ts'

const POLL_MS = 2
const MESSAGE_CHARACTERS = 600

const directory = await mkdtemp(join(tmpdir(), 'bzzz-bench-'))
const ours = await openOurs(directory, Buffer.from(process.argv[2] ?? '', 'hex'), { snapshots: true })
let onlineAt = Number.NaN
ours.mesh.subscribe((event) => {
  if (event.type === 'peer' && event.status.state === 'online') onlineAt = performance.now()
})

/** What the suite may ask of the one who has the thread, and of those who join. */
const verbs = {
  address: () => ours.address,
  meet: (others: readonly Pick<Member, 'seed' | 'address'>[]) => ours.meet(others),
  /** One change for each entry, as a conversation makes them. @returns the id, and what its log comes to packed */
  async write(entries: number): Promise<{ thread: string; packedBytes: number }> {
    const thread = (await ours.open()) as ThreadId
    const text = writer(entries)
    for (let i = 1; i < entries; i++) {
      const id = `entry-${String(i).padStart(8, '0')}`
      const content = text(MESSAGE_CHARACTERS)
      await ours.threads.append(thread, { type: 'message', id, author: ours.author, ts: Date.now(), content })
    }
    await ours.snapshotMade()
    const envelopes: Uint8Array[] = []
    for await (const envelope of ours.threads.envelopesAfter(thread, new Map())) envelopes.push(envelope)
    return { thread, packedBytes: zstdCompressSync(Buffer.concat(envelopes)).length }
  },
  /** Milliseconds from the link until all entries are shown, and until every one of them is verified and synced as well. */
  async joined(thread: string, entries: number): Promise<{ readableMs: number; verifiedMs: number }> {
    const isHere = () => ours.threads.list().some((summary) => summary.thread === thread && summary.entries === entries)
    const isShown = () => ours.threads.preview(thread as ThreadId)?.entries.length === entries
    while (!isShown() && !isHere()) await delay(POLL_MS)
    const readableMs = performance.now() - onlineAt
    while (!isHere()) await delay(POLL_MS)
    await ours.threads.view(thread as ThreadId)
    return { readableMs, verifiedMs: performance.now() - onlineAt }
  },
  /** @returns milliseconds until the thread on this disk can be read, with nothing in memory */
  async load(thread: string): Promise<number> {
    const begun = performance.now()
    const again = await ours.openAgain()
    await again.view(thread as ThreadId)
    const took = performance.now() - begun
    await again.close()
    return took
  },
}
export type JoinVerbs = typeof verbs

serve(verbs, async () => {
  await ours.close()
  await rm(directory, { recursive: true, force: true })
})
