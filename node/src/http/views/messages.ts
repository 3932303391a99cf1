import type { EntryView, MessagesAnswer, ThreadId } from '@bzzz/protocols'
import type { Part, ThreadPreview, ThreadView, ViewedEntry } from '@bzzz/threads'
import type { DoorPorts } from '../ports.ts'
import { ProblemError } from '../problems.ts'
import { entryView } from './conversations.ts'
import { nodeNames } from './names.ts'
import { whereabouts, whereaboutsElsewhere } from './whereabouts.ts'

/** A thread to be read part by part; most have one. */
export interface Reading {
  readonly thread: ThreadId
  readonly parts: readonly Pick<Part, 'entries'>[]
  readonly verified: EntryView['verified']
  view(part: number): Promise<ThreadView | undefined>
}

interface Place {
  readonly part: number
  /** Entries of that part before it. */
  readonly start: number
}

export function verifiedReading({ threads }: Pick<DoorPorts, 'threads'>, id: ThreadId): Reading {
  const thread = threads.rootOf(id)
  return { thread, parts: threads.parts(thread), verified: true, view: (part) => threads.view(thread, part) }
}

export function pendingReading(preview: ThreadPreview): Reading {
  const view = pendingView(preview)
  const { thread, entries } = preview
  return { thread, parts: [{ entries: entries.length }], verified: 'pending', view: async () => view }
}

/** What there is to see before the signatures were checked: no heads, and nothing follows anything. */
export function pendingView({ thread, entries, summary }: ThreadPreview): ThreadView {
  return { thread, entries, heads: [], archived: summary.archived, precedes: () => false }
}

/**
 * One page of a thread's entries. Of a long thread only the parts are read that the page is in, unless `after` is a bare id.
 * @throws {ProblemError} REQUEST_INVALID when `after` is no entry of it, or several
 */
export async function messagesView(
  ports: Pick<DoorPorts, 'mesh' | 'node' | 'accounts'>,
  reading: Reading,
  page: { readonly after?: string | undefined; readonly limit: number },
): Promise<MessagesAnswer> {
  const { thread, parts, verified } = reading
  const names = nodeNames(ports)
  const onNodes = verified === true ? whereabouts(ports, names) : whereaboutsElsewhere(ports, names)
  const { entries, heads, next } = await pageOf(reading, page)
  return {
    id: thread,
    heads: [...heads],
    messages: entries.map((entry) => entryView(thread, entry, names, onNodes, verified)),
    total: parts.reduce((sum, { entries: count }) => sum + count, 0),
    nodes: ports.mesh.peers().length + 1,
    next,
  }
}

interface Page {
  readonly entries: readonly ViewedEntry[]
  /** Of the part in which it ends. */
  readonly heads: readonly string[]
  readonly next: string | null
}

async function pageOf(
  reading: Reading,
  { after, limit }: { readonly after?: string | undefined; readonly limit: number },
): Promise<Page> {
  let { part, start } = after === undefined ? { part: 0, start: 0 } : await placeAfter(reading, after)
  const entries: ViewedEntry[] = []
  for (; ; part++, start = 0) {
    const view = await reading.view(part)
    const fitting = view?.entries.slice(start, start + limit - entries.length) ?? []
    entries.push(...fitting)
    const isEnd = start + fitting.length === (view?.entries.length ?? 0)
    const isLast = part + 1 >= reading.parts.length
    if (isEnd && !isLast && entries.length < limit) continue
    return { entries, heads: view?.heads ?? [], next: isEnd && isLast ? null : cursorOf(entries.at(-1), part) }
  }
}

const CURSOR = /^(?:(\d{1,3}):)?[0-9a-f]{64}:\d+$/

async function placeAfter(reading: Reading, after: string): Promise<Place> {
  const cursor = CURSOR.exec(after)
  const parts = cursor === null ? [...reading.parts.keys()] : [Number(cursor[1] ?? 0)]
  const named: Place[] = []
  for (const part of parts) named.push(...placesIn(part, await reading.view(part), after))
  const [place] = named
  if (place === undefined)
    throw new ProblemError('REQUEST_INVALID', `Entry ${after} is not in this conversation: leave out "after" to begin.`)
  if (named.length > 1)
    throw new ProblemError('REQUEST_INVALID', `${named.length} nodes have an entry ${after}: pass on "next" of a page.`)
  return place
}

function placesIn(part: number, view: ThreadView | undefined, after: string): Place[] {
  const isNamed = (viewed: ViewedEntry) => cursorOf(viewed, part) === after || viewed.entry.id === after
  return (view?.entries ?? []).flatMap((viewed, index) => (isNamed(viewed) ? [{ part, start: index + 1 }] : []))
}

/** Two peers may use one id; no two entries have the same place. It says in which part that is, so that no other is read. */
function cursorOf(viewed: ViewedEntry | undefined, part: number): string | null {
  if (viewed === undefined) return null
  return part === 0 ? `${viewed.change}:${viewed.index}` : `${part}:${viewed.change}:${viewed.index}`
}
