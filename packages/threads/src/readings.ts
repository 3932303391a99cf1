import type { PeerId, ThreadId } from '@bzzz/protocols'
import type { Catalog } from './catalog.ts'
import { closed } from './errors.ts'
import { InHand } from './in-hand.ts'
import { KeptViews } from './kept-views.ts'
import { type KeptNotes, mayHave, notesOf, type PartNotes } from './part-notes.ts'
import { nameOf, nodeName, type ThreadView, type ViewedEntry } from './view.ts'
import { type Earlier, joinEarlier, namedHeads, wholeView } from './whole-view.ts'
import type { Writers } from './writers.ts'

export interface ReadingsOptions {
  readonly catalog: Catalog
  readonly writers: Writers
  readonly notes: KeptNotes
}

const NOTHING = new Uint8Array()

interface Fresh {
  readonly earlier: readonly PartNotes[]
  readonly entries: readonly ViewedEntry[]
}

// What is put together of the earlier parts of that many threads is kept: pointers to their entries, and their names.
const MAX_JOINED = 4

/** Reads threads that may have several parts. */
export class Readings {
  readonly #options: ReadingsOptions
  readonly #kept = new KeptViews()
  readonly #joined = new Map<ThreadId, Earlier>()
  /** Of all that a part says what no earlier one does, while those stay as they are. */
  readonly #fresh = new WeakMap<readonly ViewedEntry[], Fresh>()

  readonly #inHand = new InHand()
  #closed = false

  constructor(options: ReadingsOptions) {
    this.#options = options
  }

  /** All of a thread. @param parts its documents */
  whole(parts: readonly ThreadId[]): Promise<ThreadView | undefined> {
    return this.#inHand.hold(this.#whole(parts))
  }

  /** One of its parts, without what an earlier one says as well. */
  part(parts: readonly ThreadId[], part: number): Promise<ThreadView | undefined> {
    return this.#inHand.hold(this.#part(parts, part))
  }

  /** What is being read ends with the part in hand. */
  close(): Promise<void> {
    this.#closed = true
    return this.#inHand.settled()
  }

  async #whole(parts: readonly ThreadId[]): Promise<ThreadView | undefined> {
    const [thread] = parts
    const newest = parts.at(-1)
    if (thread === undefined || newest === undefined) return undefined
    if (parts.length === 1) return this.#options.writers.of(thread).view()
    const views: ThreadView[] = []
    for (const part of parts.slice(0, -1)) views.push(await this.#view(part))
    return wholeView(thread, this.#join(thread, views), await this.#options.writers.of(newest).view())
  }

  async #part(parts: readonly ThreadId[], part: number): Promise<ThreadView | undefined> {
    const [thread] = parts
    const document = parts[part]
    if (thread === undefined || document === undefined) return undefined
    const view = await this.#view(document)
    if (part === 0) return view
    const earlier: PartNotes[] = []
    for (const before of parts.slice(0, part)) earlier.push(await this.#notes(before))
    const known = this.#fresh.get(view.entries)
    if (known?.earlier.every((notes, i) => notes === earlier[i])) return { ...view, thread, entries: known.entries }
    const entries: ViewedEntry[] = []
    for (const viewed of view.entries) {
      const name = nameOf(viewed)
      const told = earlier.findIndex((notes) => mayHave(notes, name))
      if (told === -1 || !(await this.#has(parts[told] ?? thread, name))) entries.push(viewed)
    }
    this.#fresh.set(view.entries, { earlier, entries })
    return { ...view, thread, entries }
  }

  /** Whether this node has written such an entry in one of these parts. */
  async saidBefore(parts: readonly ThreadId[], peer: PeerId, id: string): Promise<boolean> {
    const name = nodeName(peer, id)
    for (const part of parts) {
      if (mayHave(await this.#notes(part), name) && (await this.#has(part, name))) return true
    }
    return false
  }

  async heads(document: ThreadId): Promise<readonly string[]> {
    return (await this.#notes(document)).heads
  }

  /** Heads of these parts that nothing here says it goes on from. @param newest the part after them, if it is here */
  async openHeads(parts: readonly ThreadId[], newest: ThreadId): Promise<readonly string[]> {
    const { catalog, writers } = this.#options
    const view = catalog.has(newest) ? await writers.of(newest).view() : undefined
    const named = namedHeads(view?.entries ?? [])
    const heads: string[] = []
    for (const part of parts) {
      const notes = await this.#notes(part)
      for (const head of notes.named) named.add(head)
      heads.push(...notes.heads)
    }
    return heads.filter((head) => !named.has(head))
  }

  async #has(document: ThreadId, name: string): Promise<boolean> {
    return (await this.#view(document)).entries.some((viewed) => nameOf(viewed) === name)
  }

  async #view(document: ThreadId): Promise<ThreadView> {
    if (this.#closed) throw closed()
    const { catalog, writers } = this.#options
    const digest = catalog.digestOf(document)
    const kept = this.#kept.get(document, digest)
    if (kept !== undefined) return kept
    const view = await writers.of(document).view()
    // what was written meanwhile may or may not be in it
    if (digest !== undefined && catalog.digestOf(document) === digest) this.#kept.put(document, { digest, view })
    return view
  }

  /** Of the part as it is now. */
  async #notes(document: ThreadId): Promise<PartNotes> {
    const { catalog, notes } = this.#options
    const digest = catalog.digestOf(document) ?? NOTHING
    const known = await notes.get(document, digest)
    if (known !== undefined) return known
    const made = notesOf(await this.#view(document), digest)
    if (catalog.digestOf(document) === digest) await notes.put(document, made)
    return made
  }

  #join(thread: ThreadId, views: readonly ThreadView[]): Earlier {
    const joined = this.#joined.get(thread)
    const isSame = (view: ThreadView, i: number) => view.entries === joined?.views[i]?.entries
    const same = joined?.views.length === views.length && views.every(isSame)
    const earlier = same ? { ...joined, views } : joinEarlier(views)
    this.#joined.delete(thread)
    this.#joined.set(thread, earlier)
    const [oldest] = this.#joined.keys()
    if (this.#joined.size > MAX_JOINED && oldest !== undefined) this.#joined.delete(oldest)
    return earlier
  }
}
