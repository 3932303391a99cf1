import type { EntryView, MessagesAnswer } from '@bzzz/protocols'
import type { ThreadView, ViewedEntry } from '@bzzz/threads'
import type { DoorPorts } from '../ports.ts'
import { ProblemError } from '../problems.ts'
import { entryView } from './conversations.ts'
import { nodeNames } from './names.ts'
import { whereabouts, whereaboutsElsewhere } from './whereabouts.ts'

/** One page of a thread's entries. @throws {ProblemError} REQUEST_INVALID when `after` is no entry of it, or several */
export function messagesView(
  ports: Pick<DoorPorts, 'node' | 'mesh'>,
  view: ThreadView,
  page: { readonly after?: string | undefined; readonly limit: number },
  verified: EntryView['verified'] = true,
): MessagesAnswer {
  const names = nodeNames(ports)
  const onNodes =
    verified === true ? whereabouts(ports, view.thread, names) : whereaboutsElsewhere(ports, view.thread, names)
  const start = startOf(view, page.after)
  const entries = view.entries.slice(start, start + page.limit)
  const more = start + entries.length < view.entries.length
  return {
    id: view.thread,
    heads: [...view.heads],
    messages: entries.map((entry) => entryView(view.thread, entry, names, onNodes, verified)),
    total: view.entries.length,
    nodes: ports.mesh.peers().length + 1,
    next: more ? cursorOf(entries.at(-1)) : null,
  }
}

function startOf(view: ThreadView, after: string | undefined): number {
  if (after === undefined) return 0
  const named = view.entries.flatMap((viewed, index) =>
    cursorOf(viewed) === after || viewed.entry.id === after ? [index] : [],
  )
  const [index] = named
  if (index === undefined)
    throw new ProblemError('REQUEST_INVALID', `Entry ${after} is not in this conversation: leave out "after" to begin.`)
  if (named.length > 1)
    throw new ProblemError('REQUEST_INVALID', `${named.length} nodes have an entry ${after}: pass on "next" of a page.`)
  return index + 1
}

/** Two peers may use one id; no two entries have the same place. */
function cursorOf(viewed: ViewedEntry | undefined): string | null {
  return viewed === undefined ? null : `${viewed.change}:${viewed.index}`
}
