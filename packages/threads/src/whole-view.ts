import { type EntryOf, isType, type ThreadId } from '@bzzz/protocols'
import { nameOf, type ThreadView, type ViewedEntry } from './view.ts'

interface Continued extends ViewedEntry {
  readonly entry: EntryOf<'continue'>
}

/** All parts but the newest, which seldom change, put together once. */
export interface Earlier {
  readonly views: readonly ThreadView[]
  readonly entries: readonly ViewedEntry[]
  /** What the entries are known by. */
  readonly names: ReadonlySet<string>
}

/** @param views in the order of the parts */
export function joinEarlier(views: readonly ThreadView[]): Earlier {
  const names = new Set<string>()
  const entries: ViewedEntry[] = []
  for (const view of views) {
    const fresh = view.entries.filter((viewed) => !names.has(nameOf(viewed)))
    for (const viewed of fresh) names.add(nameOf(viewed))
    entries.push(...fresh)
  }
  return { views, entries, names }
}

/** A thread of several parts as one: part by part, of entries with one name the one in the earliest. */
export function wholeView(thread: ThreadId, earlier: Earlier, newest: ThreadView): ThreadView {
  const views = [...earlier.views, newest]
  const parts = new Map(views.map((view, part) => [view.thread, part]))
  const continued = views.map((view) => view.entries.filter(isContinued))
  const followed = namedHeads(continued.flat())
  return {
    thread,
    heads: views.flatMap(({ heads }) => heads.filter((head) => !followed.has(head))).sort(),
    archived: views.every(({ archived }) => archived),
    entries: [...earlier.entries, ...newest.entries.filter((viewed) => !earlier.names.has(nameOf(viewed)))],
    precedes(a, b) {
      const [from = 0, to = 0] = [parts.get(a.document), parts.get(b.document)]
      if (from >= to) return from === to && (views[from]?.precedes(a, b) ?? false)
      const reached = new Map<number, readonly ViewedEntry[]>([[from, [a]]])
      const isReached = (head: string) => [...reached].some(([part, entries]) => covers(views[part], head, entries))
      for (let part = from + 1; part <= to; part++) {
        const next = (continued[part] ?? []).filter(({ entry }) => entry.heads.some(isReached))
        reached.set(part, next)
      }
      return reached.get(to)?.some((next) => isSame(next, b) || views[to]?.precedes(next, b)) ?? false
    },
  }
}

/** Any of the entries is in the past of this head, or of its very change. */
function covers(view: ThreadView | undefined, head: string, entries: readonly ViewedEntry[]): boolean {
  return entries.some((viewed) => view?.precedes(viewed, { ...viewed, change: head, index: Infinity }))
}

/** Heads of earlier parts that these entries say they go on from. */
export function namedHeads(entries: readonly ViewedEntry[]): Set<string> {
  return new Set(entries.filter(isContinued).flatMap(({ entry }) => entry.heads))
}

function isContinued(viewed: ViewedEntry): viewed is Continued {
  return isType(viewed.entry, 'continue')
}

function isSame(a: ViewedEntry, b: ViewedEntry): boolean {
  return a.change === b.change && a.index === b.index
}
