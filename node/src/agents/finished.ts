import { createHash } from 'node:crypto'
import type { FinishedPort } from '@bzzz/agents'
import { equalBytes, type ThreadId, vectorHash } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import type { Threads } from '@bzzz/threads'

/** Kept by the hash of how far the logs of each thread's parts went: `<thread>` in a room of its own. */
export async function openFinished(
  room: Pick<Room, 'entries' | 'write'>,
  threads: Pick<Threads, 'vector' | 'parts'>,
): Promise<FinishedPort> {
  const marks = new Map<ThreadId, Uint8Array>()
  for await (const [thread, mark] of room.entries()) marks.set(thread as ThreadId, mark)
  async function markOf(thread: ThreadId): Promise<Uint8Array> {
    const mark = createHash('sha256')
    for (const { document } of threads.parts(thread)) mark.update(vectorHash(await threads.vector(document)))
    return mark.digest()
  }

  return {
    markOf,
    async unchanged() {
      const unchanged = new Set<ThreadId>()
      for (const [thread, mark] of marks) if (equalBytes(await markOf(thread), mark)) unchanged.add(thread)
      return unchanged
    },
    async note(thread, mark) {
      const known = marks.get(thread)
      if (known !== undefined && equalBytes(known, mark)) return
      await room.write([{ put: thread, value: mark }])
      marks.set(thread, mark)
    },
  }
}
