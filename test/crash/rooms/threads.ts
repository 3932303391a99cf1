import * as room from '@bzzz/threads'
import { around, tellingTest } from '../pass.ts'

export * from '@bzzz/threads'

export async function openThreads(options: room.ThreadsOptions): Promise<room.Threads> {
  const threads = await room.openThreads(options)
  return Object.assign(threads, {
    create: around('append', threads.create.bind(threads)),
    append: around('append', threads.append.bind(threads)),
    close: tellingTest('threads', threads.close.bind(threads)),
  })
}
