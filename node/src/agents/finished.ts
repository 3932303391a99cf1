import type { FinishedPort } from '@bzzz/agents'
import { equalBytes, type ThreadId, vectorHash } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import type { Threads } from '@bzzz/threads'

/** Kept by the hash of how far each thread's log went: `<thread>` in a room of its own. */
export async function openFinished(
  room: Pick<Room, 'entries' | 'write'>,
  threads: Pick<Threads, 'vector'>,
): Promise<FinishedPort> {
  const marks = new Map<ThreadId, Uint8Array>()
  for await (const [thread, mark] of room.entries()) marks.set(thread as ThreadId, mark)
  const markOf = async (thread: ThreadId): Promise<Uint8Array> => vectorHash(await threads.vector(thread))

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
