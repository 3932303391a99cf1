import * as room from '@bzzz/threads'
import { around, tellingTest } from '../pass.ts'

export * from '@bzzz/threads'

/** So few that nodes die, too, while a thread goes on in its next part. */
const MAX_PART_ENTRIES = 100

export async function openThreads(options: room.ThreadsOptions): Promise<room.Threads> {
  const threads = await room.openThreads({ maxPartEntries: MAX_PART_ENTRIES, ...options })
  return Object.assign(threads, {
    create: around('append', threads.create.bind(threads)),
    append: around('append', threads.append.bind(threads)),
    close: tellingTest('threads', threads.close.bind(threads)),
  })
}
