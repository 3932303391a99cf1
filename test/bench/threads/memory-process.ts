import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { MeshId, ThreadId } from '@bzzz/protocols'
import { openState } from '@bzzz/store'
import { openThreads } from '@bzzz/threads'
import { identityFromSeed } from 'bzzz'
import { concurrently } from '../interleaved.ts'
import { serve } from '../processes.ts'
import { writer } from '../prose.ts'

const MESSAGE_CHARACTERS = 600
const THREADS_AT_ONCE = 16

const [directory = '', seed = ''] = process.argv.slice(2)
const signer = identityFromSeed(Buffer.from(seed, 'hex'))
const state = await openState({ directory })
const room = state.room('threads')
const mesh = 'c'.repeat(64) as MeshId
const threads = await openThreads({ room, mesh, signer, isMember: () => true, now: Date.now, randomBytes })

const verbs = {
  async write(count: number, entries: number): Promise<void> {
    const text = writer(count)
    const base = (id: string) => ({ id, author: `human:bench@${signer.peer}`, ts: Date.now() })
    // Several at once, so that they share synced writes.
    await concurrently(count, THREADS_AT_ONCE, async () => {
      const open = { type: 'open', ...base('opening-entry'), content: '', topic: 'bench', project: 'bench' } as const
      const { thread } = await threads.create(open)
      await concurrently(entries - 1, entries, async (i) => {
        const id = `entry-${String(i).padStart(8, '0')}`
        await threads.append(thread, { type: 'message', ...base(id), content: text(MESSAGE_CHARACTERS) })
      })
    })
  },
  /** Reads so many threads. @returns the resident set with their documents in it, MiB */
  async residentWith(loaded: number): Promise<number> {
    const some: ThreadId[] = threads.list().map(({ thread }) => thread)
    for (const thread of some.slice(0, loaded)) await threads.view(thread)
    collectGarbage()
    return process.memoryUsage.rss() / 2 ** 20
  },
}
export type MemoryVerbs = typeof verbs

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let i = 0; i < 3; i++) collect()
}

serve(verbs, async () => {
  await threads.close()
  await state.close()
})
