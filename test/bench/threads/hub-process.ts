import { once } from 'node:events'
import { createRequire } from 'node:module'
import { setTimeout } from 'node:timers/promises'
import { ImmutableString, type Patch } from '@automerge/automerge'
import { type AutomergeUrl, type DocHandle, Repo } from '@automerge/automerge-repo'
import { WebSocketClientAdapter, WebSocketServerAdapter } from '@automerge/automerge-repo-network-websocket'
import { serve } from '../processes.ts'
import { writer } from '../prose.ts'
import { Arrivals } from './arrivals.ts'
import { POST_BYTES } from './measured-post.ts'
import { paced } from './paced.ts'

/** A conversation in the shape that suits Automerge best, which is ours: entries in JSON, pages of one writer. */
interface Conversation {
  log: Record<string, ImmutableString[]>
}

// of the version that the adapter itself brings
const { WebSocketServer } = createRequire(import.meta.resolve('@automerge/automerge-repo-network-websocket'))(
  'isomorphic-ws',
) as { WebSocketServer: new (options: { port: number; host: string }) => SocketServer }
type SocketServer = ConstructorParameters<typeof WebSocketServerAdapter>[0]

const PAGE_ENTRIES = 256
const TEXTS = 500
const write = writer(1)
const texts = Array.from({ length: TEXTS }, () => write(POST_BYTES))
const arrivals = new Arrivals()
let repo = new Repo()
let handle: DocHandle<Conversation> | undefined
let posted = 0
let stop = async (): Promise<void> => {}

/** What the suite may ask of the hub or of one of its clients. Times as of `member.ts`. */
const verbs = {
  /** The hub of the star. @returns its port */
  async listen(): Promise<number> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    await once(server, 'listening')
    repo = new Repo({ network: [new WebSocketServerAdapter(server)] })
    stop = async () => server.close()
    const address = server.address()
    return typeof address === 'object' ? (address?.port ?? 0) : 0
  },
  connect(port: number): void {
    repo = new Repo({ network: [new WebSocketClientAdapter(`ws://127.0.0.1:${port}`)] })
  },
  create(): string {
    handle = repo.create<Conversation>({ log: {} })
    return handle.url
  },
  /** Opens it and notes what comes. */
  async find(url: string): Promise<void> {
    handle = await patiently(() => repo.find<Conversation>(url as AutomergeUrl))
    handle.on('change', ({ patches }) => note(patches))
  },
  post: (run: string, count: number, gapMs: number) => paced(count, gapMs, async (i) => post(run, i)),
  /** As fast as it goes, letting the wires have their turn after so many. */
  async burst(run: string, count: number, together: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      post(run, i)
      if (i % together === together - 1) await setTimeout(0)
    }
  },
  arrivals: (run: string, count: number) => arrivals.of(run, count),
  cpu(): number {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  },
}
export type HubVerbs = typeof verbs

serve(verbs, () => stop())

function post(run: string, i: number): void {
  const id = `${run}_${String(i).padStart(8, '0')}`
  const entry = { type: 'message', id, author: 'human:bench', ts: Date.now(), content: texts[i % TEXTS] }
  const page = `writer/${Math.floor(posted++ / PAGE_ENTRIES)}`
  handle?.change((draft) => {
    draft.log[page] ??= []
    draft.log[page]?.push(new ImmutableString(JSON.stringify(entry)))
  })
}

function note(patches: readonly Patch[]): void {
  for (const patch of patches) {
    if (patch.action !== 'insert') continue
    for (const value of patch.values) {
      const [run = '', number = ''] = (JSON.parse(String(value)) as { id: string }).id.split('_')
      arrivals.note(run, Number(number))
    }
  }
}

/** A document is unavailable for as long as its creator has not told the hub of it. */
async function patiently<T>(look: () => Promise<T>): Promise<T> {
  for (let left = 50; ; left--) {
    try {
      return await look()
    } catch (error) {
      if (left === 0) throw error
      await setTimeout(100)
    }
  }
}
