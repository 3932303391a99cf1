import type { MessagesAnswer } from '@bzzz/protocols'
import type { ThreadView } from '../ports.ts'
import { ProblemError } from '../problems.ts'
import { entryView } from './conversations.ts'
import type { NodeNames } from './names.ts'

/** One page of a thread's entries. @throws {ProblemError} REQUEST_INVALID when `after` is no entry of it */
export function messagesView(
  view: ThreadView,
  page: { readonly after?: string | undefined; readonly limit: number },
  names: NodeNames,
): MessagesAnswer {
  const start = startOf(view, page.after)
  const entries = view.entries.slice(start, start + page.limit)
  const more = start + entries.length < view.entries.length
  return {
    id: view.thread,
    heads: [...view.heads],
    messages: entries.map((entry) => entryView(view.thread, entry, names)),
    total: view.entries.length,
    next: more ? (entries.at(-1)?.entry.id ?? null) : null,
  }
}

function startOf(view: ThreadView, after: string | undefined): number {
  if (after === undefined) return 0
  const index = view.entries.findIndex(({ entry }) => entry.id === after)
  if (index >= 0) return index + 1
  throw new ProblemError('REQUEST_INVALID', `Entry ${after} is not in this conversation: leave out "after" to begin.`)
}
