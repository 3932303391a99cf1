import type { MessagesAnswer, ThreadId } from '@bzzz/protocols'
import type { ThreadView, ViewedEntry } from '@bzzz/threads'
import type { DoorPorts } from '../ports.ts'
import { ProblemError } from '../problems.ts'
import { entryView } from './conversations.ts'
import { nodeNames } from './names.ts'
import { whereabouts } from './whereabouts.ts'

type Ports = Pick<DoorPorts, 'node' | 'mesh' | 'threads'>

interface Place {
  readonly part: number
  /** Entries of that part before it. */
  readonly start: number
}

/**
 * One page of a thread's entries. Of a long thread only the parts are read that the page is in, unless `after` is a bare id.
 * @returns undefined if there is no such thread here
 * @throws {ProblemError} REQUEST_INVALID when `after` is no entry of it, or several
 */
export async function messagesView(
  ports: Ports,
  given: ThreadId,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<MessagesAnswer | undefined> {
  const thread = ports.threads.rootOf(given)
  const parts = ports.threads.parts(thread)
  let { part, start } = page.after === undefined ? BEGINNING : await placeAfter(ports, thread, page.after)
  let view = await ports.threads.view(thread, part)
  if (view === undefined) return undefined
  const entries = view.entries.slice(start, start + page.limit)
  let isEnd = start + entries.length === view.entries.length
  while (isEnd && entries.length < page.limit && part + 1 < parts.length) {
    part++
    view = (await ports.threads.view(thread, part)) ?? view
    const more = view.entries.slice(0, page.limit - entries.length)
    entries.push(...more)
    isEnd = more.length === view.entries.length
  }
  const names = nodeNames(ports)
  const onNodes = whereabouts(ports, names)
  return {
    id: thread,
    heads: [...view.heads],
    messages: entries.map((entry) => entryView(thread, entry, names, onNodes)),
    total: parts.reduce((sum, { entries: count }) => sum + count, 0),
    nodes: ports.mesh.peers().length + 1,
    next: isEnd && part + 1 >= parts.length ? null : cursorOf(entries.at(-1), part),
  }
}

const BEGINNING: Place = { part: 0, start: 0 }
const CURSOR = /^(?:(\d{1,3}):)?[0-9a-f]{64}:\d+$/

async function placeAfter({ threads }: Ports, thread: ThreadId, after: string): Promise<Place> {
  const cursor = CURSOR.exec(after)
  if (cursor !== null) return placeOf(await partsOf(threads, thread, [Number(cursor[1] ?? 0)]), after)
  return placeOf(await partsOf(threads, thread, [...threads.parts(thread).keys()]), after)
}

async function partsOf(
  threads: Ports['threads'],
  thread: ThreadId,
  parts: readonly number[],
): Promise<{ readonly part: number; readonly view: ThreadView }[]> {
  const views: { part: number; view: ThreadView }[] = []
  for (const part of parts) {
    const view = await threads.view(thread, part)
    if (view !== undefined) views.push({ part, view })
  }
  return views
}

function placeOf(parts: readonly { readonly part: number; readonly view: ThreadView }[], after: string): Place {
  const named = parts.flatMap(({ part, view }) =>
    view.entries.flatMap((viewed, index) =>
      cursorOf(viewed, part) === after || viewed.entry.id === after ? [{ part, start: index + 1 }] : [],
    ),
  )
  const [place] = named
  if (place === undefined)
    throw new ProblemError('REQUEST_INVALID', `Entry ${after} is not in this conversation: leave out "after" to begin.`)
  if (named.length > 1)
    throw new ProblemError('REQUEST_INVALID', `${named.length} nodes have an entry ${after}: pass on "next" of a page.`)
  return place
}

/** Two peers may use one id; no two entries have the same place. It says in which part that is, so that no other is read. */
function cursorOf(viewed: ViewedEntry | undefined, part: number): string | null {
  if (viewed === undefined) return null
  return part === 0 ? `${viewed.change}:${viewed.index}` : `${part}:${viewed.change}:${viewed.index}`
}
