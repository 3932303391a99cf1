import {
  type Entry,
  type EntryOf,
  isType,
  type MeshId,
  openedThreadId,
  type PeerId,
  ProtocolError,
  type SeqVector,
  type Signer,
  type ThreadId,
} from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { Appending } from './appending.ts'
import { type Arrival, openArrival } from './arrival.ts'
import { type Blobs, openBlobs } from './blobs.ts'
import { Catalog } from './catalog.ts'
import type { Desk } from './commit.ts'
import { Compressor } from './compressing.ts'
import { writeEntry } from './entry-text.ts'
import { stands } from './equivocation.ts'
import { closed, ThreadsError } from './errors.ts'
import { type RefusalCode, refusals, type ThreadFact } from './facts.ts'
import { Listing } from './listing.ts'
import { openLog } from './log.ts'
import { Orphans } from './orphans.ts'
import { OwnActors } from './own-actors.ts'
import { KeptNotes } from './part-notes.ts'
import type { Appended, DocumentEvent, Part, Received, ThreadEvent, Threads } from './port.ts'
import { Quarantine } from './quarantine.ts'
import { Readings } from './readings.ts'
import { Slices } from './slices.ts'
import { SnapshotCache } from './snapshots/cache.ts'
import { Joining } from './snapshots/joining.ts'
import type { Snapshots, ThreadPreview } from './snapshots/port.ts'
import { Shelf } from './snapshots/shelf.ts'
import type { ThreadSummary } from './summary.ts'
import type { ThreadView } from './view.ts'
import { Writers } from './writers.ts'

export interface ThreadsOptions {
  /** Room of the state in which the log, its index and the blobs live. */
  readonly room: Room
  readonly mesh: MeshId
  readonly signer: Signer
  readonly isMember: (peer: PeerId) => boolean
  /** Wall clock, milliseconds. */
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
  readonly observe?: (fact: ThreadFact) => void
  /** Where snapshots are kept, may be deleted between runs. Without it none are made or offered. */
  readonly snapshots?: { readonly directory: string; readonly idleMs?: number }
  /** Documents kept in memory, parts of long threads among them; the others are built again from the log when they are needed. */
  readonly maxLoaded?: number
  /** From so many entries on the newest part of a thread is left for the next one. */
  readonly maxPartEntries?: number
}

// A document of ten thousand entries takes some 20 MB of wasm memory, which never shrinks and ends at 4 GB.
const DEFAULT_MAX_LOADED = 50
const ACTOR_SUFFIX_BYTES = 8
// Bounds the memory of callers who send faster than signatures are checked.
const MAX_WAITING_ENVELOPES = 10_000
// Reading a part takes half a second, and it is read as a whole.
const DEFAULT_MAX_PART_ENTRIES = 10_000
// Honest nodes leave full parts alone. Far less than all: what an author signed twice is taken out of a part that others went on from.
const MIN_PART_SHARE = 1 / 10

/** Opens what the room holds. A new actor is drawn at each opening, so no (actor, seq) is ever used twice. */
export async function openThreads(options: ThreadsOptions): Promise<Threads> {
  const cache = options.snapshots && (await SnapshotCache.open(options.snapshots.directory))
  const maxPartEntries = options.maxPartEntries ?? DEFAULT_MAX_PART_ENTRIES
  const catalog = await Catalog.open(options.room, Math.ceil(maxPartEntries * MIN_PART_SHARE))
  return new OpenThreads({ ...options, maxPartEntries }, catalog, cache)
}

type Refused = Received & { readonly status: 'refused' }

class OpenThreads implements Threads {
  readonly blobs: Blobs
  readonly snapshots: Snapshots
  readonly #options: ThreadsOptions
  readonly #desk: Desk
  readonly #writers: Writers
  readonly #compressor: Compressor
  readonly #listing: Listing
  readonly #readings: Readings
  readonly #appending: Appending
  readonly #shelf: Shelf | undefined
  readonly #joining: Joining
  readonly #slices = new Slices()
  readonly #listeners = new Set<(event: ThreadEvent) => void>()
  #lastCreatedMs = 0
  #frozen: ThreadsError | undefined
  #closing: Promise<void> | undefined

  constructor(
    options: ThreadsOptions & Pick<Required<ThreadsOptions>, 'maxPartEntries'>,
    catalog: Catalog,
    cache: SnapshotCache | undefined,
  ) {
    const { room, mesh, signer, now, randomBytes } = options
    this.#options = options
    this.#desk = {
      mesh,
      signer,
      actors: new OwnActors(() => Buffer.concat([signer.publicKey, randomBytes(ACTOR_SUFFIX_BYTES)]).toString('hex')),
      log: openLog(room, mesh),
      quarantine: new Quarantine(room),
      catalog,
      orphans: new Orphans(),
      now,
      observe: options.observe ?? (() => {}),
      publish: (event) => this.#publish(event),
      write: (operations) => this.#write(operations),
      refusal: () => this.#frozen,
    }
    this.#writers = new Writers(this.#desk, options.maxLoaded ?? DEFAULT_MAX_LOADED)
    this.#compressor = new Compressor(this.#desk, this.#writers)
    this.#listing = new Listing(catalog)
    this.#readings = new Readings({
      catalog,
      writers: this.#writers,
      notes: new KeptNotes(room, this.#desk.write),
    })
    this.#appending = new Appending({
      desk: this.#desk,
      writers: this.#writers,
      readings: this.#readings,
      maxPartEntries: options.maxPartEntries,
    })
    for (const { thread, archived } of catalog.list()) if (archived) void this.#compressor.request(thread)
    this.#shelf = cache && new Shelf(this.#desk, cache, options.snapshots?.idleMs)
    this.#joining = new Joining(this.#desk, this.#writers, options.isMember)
    this.snapshots = {
      offers: (threads) => this.#shelf?.offers(threads) ?? [],
      get: async (hash) => await this.#shelf?.get(hash),
      join: (thread, fetch) => this.#joining.join(thread, fetch),
    }
    this.blobs = openBlobs(room, () => this.#ensureOpen(), this.#desk.write)
  }

  async create(open: EntryOf<'open'>): Promise<Appended> {
    this.#ensureOpen()
    const written = writeEntry(open, this.#desk.signer.peer)
    if (this.#desk.catalog.isFull) throw new ThreadsError('TOO_MANY_THREADS', refusals.TOO_MANY_THREADS)
    return this.#writers.of(this.#newThread()).append(written)
  }

  async append(given: ThreadId, entry: Entry): Promise<Appended> {
    this.#ensureOpen()
    const written = writeEntry(entry, this.#desk.signer.peer)
    if (isType(entry, 'open')) throw new ThreadsError('ENTRY_INVALID', 'an opening entry makes a new thread')
    if (isType(entry, 'continue'))
      throw new ThreadsError('ENTRY_INVALID', 'threads go on in further parts by themselves')
    const thread = this.rootOf(given)
    if (!this.#desk.catalog.has(thread)) throw new ThreadsError('THREAD_UNKNOWN', `no thread ${thread} here`)
    if (isType(entry, 'archive')) return this.#appending.archive(thread, entry)
    return this.#appending.append(thread, written)
  }

  async receive(envelope: Uint8Array): Promise<Received> {
    this.#ensureOpen()
    if (this.#slices.waiting >= MAX_WAITING_ENVELOPES) {
      throw new ThreadsError('BUSY', `${MAX_WAITING_ENVELOPES} envelopes wait to be opened`)
    }
    const opened = await this.#slices.run(() => this.#open(envelope))
    this.#ensureOpen()
    return 'status' in opened ? opened : this.#writers.of(opened.thread).receive(opened)
  }

  async view(given: ThreadId, part?: number): Promise<ThreadView | undefined> {
    this.#ensureOpen()
    const { catalog } = this.#desk
    const thread = this.rootOf(given)
    if (!catalog.has(thread)) return undefined
    const documents = catalog.parts.of(thread)
    return part === undefined ? this.#readings.whole(documents) : this.#readings.part(documents, part)
  }

  preview(thread: ThreadId): ThreadPreview | undefined {
    return this.#joining.preview(thread)
  }

  onPreview(listener: (preview: ThreadPreview) => void): () => void {
    return this.#joining.onPreview(listener)
  }

  list(): readonly ThreadSummary[] {
    return this.#listing.all()
  }

  summary(thread: ThreadId): ThreadSummary | undefined {
    return this.#listing.of(this.rootOf(thread))
  }

  parts(thread: ThreadId): readonly Part[] {
    return this.#listing.parts(this.rootOf(thread))
  }

  rootOf(document: ThreadId): ThreadId {
    return this.#desk.catalog.parts.rootOf(document)
  }

  subscribe(listener: (event: ThreadEvent) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  async digest(): Promise<ReadonlyMap<ThreadId, Uint8Array>> {
    this.#ensureOpen()
    return this.#desk.catalog.digest()
  }

  async vector(thread: ThreadId): Promise<SeqVector> {
    this.#ensureOpen()
    return this.#desk.catalog.vector(thread)
  }

  async *envelopesAfter(thread: ThreadId, have: SeqVector): AsyncIterable<Uint8Array> {
    this.#ensureOpen()
    yield* this.#proofsFor(thread, have)
    yield* this.#desk.log.after(thread, have, this.#desk.catalog.vector(thread))
  }

  compress(thread: ThreadId): Promise<void> {
    this.#ensureOpen()
    const documents = this.#desk.catalog.parts.of(this.rootOf(thread))
    return Promise.all(documents.map((document) => this.#compressor.request(document))).then(() => {})
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut()
    return this.#closing
  }

  async #shut(): Promise<void> {
    await this.#appending.close()
    await this.#joining.close()
    await this.#shelf?.close()
    await this.#compressor.close()
    await this.#readings.close()
    await this.#writers.close()
  }

  /** That actors end before where the other node has them. */
  async *#proofsFor(thread: ThreadId, have: SeqVector): AsyncIterable<Uint8Array> {
    for (const [actor, cut] of this.#desk.catalog.cuts(thread)) {
      const theirs = have.get(actor)
      if (theirs === undefined || stands(theirs, cut)) continue
      for (const hash of [cut.hash, cut.rival]) {
        const row = await this.#desk.quarantine.get(thread, hash)
        if (row !== undefined) yield row.envelope
      }
    }
  }

  /** A millisecond of its own for each thread: this node's key and the time make the id. */
  #newThread(): ThreadId {
    const { signer, catalog, now } = this.#desk
    let ms = Math.max(now(), this.#lastCreatedMs + 1)
    while (catalog.has(openedThreadId(signer.peer, ms))) ms++
    this.#lastCreatedMs = ms
    return openedThreadId(signer.peer, ms)
  }

  #ensureOpen(): void {
    if (this.#closing !== undefined) throw closed()
    if (this.#frozen !== undefined) throw this.#frozen
  }

  #open(envelope: Uint8Array): Arrival | Refused {
    const { catalog, mesh } = this.#desk
    try {
      const arrival = openArrival(mesh, this.#options.isMember, envelope)
      if (catalog.has(arrival.thread) || !catalog.isFull) return arrival
      return this.#refuse('TOO_MANY_THREADS', refusals.TOO_MANY_THREADS)
    } catch (error) {
      if (error instanceof ProtocolError) return this.#refuse(error.code, error.message)
      throw error
    }
  }

  #refuse(code: RefusalCode, reason: string): Refused {
    this.#desk.observe({ type: 'refused', code, reason })
    return { status: 'refused', code, reason }
  }

  async #write(operations: readonly Operation[]): Promise<void> {
    try {
      await this.#options.room.write(operations)
    } catch (cause) {
      if (this.#frozen === undefined) this.#desk.observe({ type: 'frozen', cause })
      this.#frozen ??= new ThreadsError('FROZEN', 'a write failed: threads must be opened again', { cause })
      throw this.#frozen
    }
  }

  #publish({ thread: document, ...change }: DocumentEvent): void {
    const event = { ...change, thread: this.rootOf(document), document }
    for (const listener of this.#listeners) {
      try {
        listener(event)
      } catch (error) {
        this.#desk.observe({ type: 'listener-failed', error }) // the change is synced; a failing listener cannot undo that
      }
    }
    this.#shelf?.heed(document)
    if (this.#desk.catalog.summary(document)?.archived === true) void this.#compressor.request(document)
  }
}
