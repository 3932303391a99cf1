import { equalBytes, type PeerId, type ThreadId } from '@bzzz/protocols'
import type { Catalog } from './catalog.ts'
import { type EntryNames, mayHave, type NamesIndex, namesOf, ownHash } from './entry-names.ts'
import { KeptViews } from './kept-views.ts'
import { nameOf, nodeName, type ThreadView } from './view.ts'
import { type Earlier, joinEarlier, wholeView } from './whole-view.ts'
import type { Writers } from './writers.ts'

export interface ReadingsOptions {
  readonly catalog: Catalog
  readonly writers: Writers
  readonly names: NamesIndex
  /** This node's public key, hexadecimal. */
  readonly ownKey: string
}

// What is put together of the earlier parts of that many threads is kept: pointers to their entries, and their names.
const MAX_JOINED = 4

/** Reads threads that may have several parts. */
export class Readings {
  readonly #options: ReadingsOptions
  readonly #kept = new KeptViews()
  readonly #joined = new Map<ThreadId, Earlier>()

  constructor(options: ReadingsOptions) {
    this.#options = options
  }

  /** All of a thread. @param parts its documents */
  async whole(parts: readonly ThreadId[]): Promise<ThreadView | undefined> {
    const [thread] = parts
    const newest = parts.at(-1)
    if (thread === undefined || newest === undefined) return undefined
    if (parts.length === 1) return this.#options.writers.of(thread).view()
    const views: ThreadView[] = []
    for (const part of parts.slice(0, -1)) views.push(await this.#view(part))
    return wholeView(thread, this.#join(thread, views), await this.#options.writers.of(newest).view())
  }

  /** One of its parts, without what an earlier one says as well. */
  async part(parts: readonly ThreadId[], part: number): Promise<ThreadView | undefined> {
    const [thread] = parts
    const document = parts[part]
    if (thread === undefined || document === undefined) return undefined
    const view = await this.#view(document)
    const earlier: EntryNames[] = []
    for (const before of parts.slice(0, part)) earlier.push(await this.#names(before))
    const entries: ThreadView['entries'][number][] = []
    for (const viewed of view.entries) {
      const name = nameOf(viewed)
      const told = earlier.findIndex((names) => mayHave(names, name))
      if (told === -1 || !(await this.#has(parts[told] ?? thread, name))) entries.push(viewed)
    }
    return { ...view, thread, entries }
  }

  /** Whether this node has written such an entry in one of these parts. */
  async saidBefore(parts: readonly ThreadId[], peer: PeerId, id: string): Promise<boolean> {
    const name = nodeName(peer, id)
    for (const part of parts) {
      if (mayHave(await this.#ownNames(part), name) && (await this.#has(part, name))) return true
    }
    return false
  }

  async heads(document: ThreadId): Promise<readonly string[]> {
    return (await this.#view(document)).heads
  }

  async #has(document: ThreadId, name: string): Promise<boolean> {
    return (await this.#view(document)).entries.some((viewed) => nameOf(viewed) === name)
  }

  async #view(document: ThreadId): Promise<ThreadView> {
    const { catalog, writers } = this.#options
    const digest = catalog.digestOf(document)
    const kept = this.#kept.get(document, digest)
    if (kept !== undefined) return kept
    const view = await writers.of(document).view()
    // what was written meanwhile may or may not be in it
    if (digest !== undefined && catalog.digestOf(document) === digest) this.#kept.put(document, { digest, view })
    return view
  }

  /** With all that the part has now. */
  async #names(document: ThreadId): Promise<EntryNames> {
    const { catalog, names } = this.#options
    const digest = catalog.digestOf(document)
    const known = await names.get(document)
    const isCurrent = known !== undefined && digest !== undefined && equalBytes(known.all, digest)
    return isCurrent ? known : this.#readNames(document)
  }

  /** With all that this node has written in it: what others add to an older part costs no reading here. */
  async #ownNames(document: ThreadId): Promise<EntryNames> {
    const { catalog, names, ownKey } = this.#options
    const known = await names.get(document)
    const own = ownHash(catalog.vector(document), ownKey)
    return known !== undefined && equalBytes(known.own, own) ? known : this.#readNames(document)
  }

  async #readNames(document: ThreadId): Promise<EntryNames> {
    const { catalog, names, ownKey } = this.#options
    const digest = catalog.digestOf(document)
    const vector = catalog.vector(document)
    const made = namesOf(await this.#view(document), vector, ownKey)
    if (catalog.digestOf(document) === digest) await names.put(document, made)
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
