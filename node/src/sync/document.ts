import { documentIdOf, type PeerId, type ThreadId } from '@bzzz/protocols'
import { type Offer, type RefusedEdit, refusedEdit, type Speaker, type ThreadEvent, type Threads } from '@bzzz/threads'
import type { ObserveSync } from './facts.ts'
import { encodeNotice } from './frames.ts'
import type { SyncSocket } from './socket.ts'
import type { Stored } from './storing.ts'
import { WorkerError, type WorkerHost } from './worker/host.ts'

export interface DocumentOptions {
  readonly host: WorkerHost
  readonly threads: Pick<Threads, 'envelopesAfter'>
  /** Who signs for the laptops here. */
  readonly sponsor: { readonly peer: PeerId; readonly key: string }
  readonly holdMs: number
  readonly store: (thread: ThreadId, changes: readonly Uint8Array[]) => Promise<Stored>
  /** Whether the token may have this thread, which is fetched if it is elsewhere. */
  readonly isAvailable: (thread: ThreadId, socket: SyncSocket) => Promise<boolean>
  /** What came from this socket is no honest client's. */
  readonly onFault: (socket: SyncSocket, kind: 'message' | 'hung' | 'died', reason: string) => void
  /** Whether it is open, and its token as good as when it was opened; it is closed otherwise. */
  readonly isGood: (socket: SyncSocket) => boolean
  readonly onRefused: (socket: SyncSocket, code: string) => void
  /** Called before its replica takes memory. */
  readonly onLoad: (document: OpenDocument) => void
  readonly observe: ObserveSync
}

interface Waiting {
  readonly socket: SyncSocket
  readonly message: Uint8Array
  readonly timer: NodeJS.Timeout
}

// What waits for its causes; its client sends it again after the socket was closed.
const MAX_WAITING = 16
const MAX_DOCUMENT_BYTES = 8 * 1024 * 1024

/**
 * One thread that laptops have open. Everything about it is done one after the other, so that nobody is sent what is not on
 * disk: a laptop's changes go into the replica, are signed and stored, and only then are messages made of the replica.
 */
export class OpenDocument {
  readonly thread: ThreadId
  readonly #documentId: string
  readonly #options: DocumentOptions
  /** Open on these. */
  readonly #sockets = new Map<number, SyncSocket>()
  /** They sent what was refused, and are told nothing until they have begun anew. */
  readonly #deaf = new Set<number>()
  #news: Uint8Array[] = []
  #waiting: Waiting[] = []
  #line: Promise<void> = Promise.resolve()
  #jobs = 0
  #loadedIn: number | undefined
  #isLoading = false
  #isCut = false

  constructor(thread: ThreadId, options: DocumentOptions) {
    this.thread = thread
    this.#documentId = documentIdOf(thread)
    this.#options = options
  }

  get isIdle(): boolean {
    return this.#jobs === 0
  }

  get isUnused(): boolean {
    return this.isIdle && this.#sockets.size === 0
  }

  get isLoaded(): boolean {
    return this.#loadedIn === this.#options.host.generation
  }

  has(socket: SyncSocket): boolean {
    return this.#sockets.has(socket.id)
  }

  /** Resolves once it is dealt with. Never rejects. */
  take(socket: SyncSocket, message: Uint8Array): Promise<void> {
    return this.#enqueue(() => this.#take(socket, message), socket)
  }

  /** A change that was stored. */
  heed({ envelope, lost }: Pick<ThreadEvent, 'envelope' | 'lost'>): void {
    // The replica may outlive its last socket, and serve one that is about to be admitted.
    if (this.#sockets.size === 0 && !this.isLoaded && !this.#isLoading) return
    this.#news.push(envelope)
    if (lost.length > 0) this.#isCut = true
    if (this.#news.length === 1 || lost.length > 0) void this.#enqueue(() => this.#tellNews())
  }

  /** After the replicas' thread was begun again. */
  refresh(): void {
    if (this.#sockets.size > 0) void this.#enqueue(() => this.#tell())
  }

  leave(socket: SyncSocket): Promise<void> {
    this.#dropWaiting(({ socket: other }) => other === socket)
    if (!this.#sockets.delete(socket.id)) return Promise.resolve()
    this.#deaf.delete(socket.id)
    return this.#enqueue(async () => {
      if (this.#sockets.size === 0) await this.#unload()
      else if (this.isLoaded) await this.#options.host.call('leave', this.thread, socket.id)
    })
  }

  /** Gives back the replica's memory; whoever has the document open does not notice. */
  rest(): void {
    void this.#enqueue(() => this.#unload())
  }

  async #unload(): Promise<void> {
    const { isLoaded } = this
    this.#loadedIn = undefined
    if (isLoaded) await this.#options.host.call('drop', this.thread)
  }

  async #take(socket: SyncSocket, message: Uint8Array, isLast = false): Promise<void> {
    if (!socket.isOpen) return
    if (!this.has(socket) && !(await this.#admit(socket))) return
    await this.#load()
    const { host } = this.#options
    if (this.#deaf.has(socket.id)) {
      if (!(await host.call('knows', this.thread, message))) return
      this.#deaf.delete(socket.id)
      await host.call('join', this.thread, socket.id)
    }
    const offer = await host.call('offer', this.thread, socket.id, message, this.#speakerOf(socket))
    // What it offered is in the replica, and would be signed.
    if (!this.#options.isGood(socket)) return this.#unload()
    const refused = await this.#store(offer)
    if (refused !== undefined) return this.#refuse(socket, refused)
    if (offer.waits) return isLast ? socket.close('causes-missing') : this.#hold(socket, message)
    const answer = await host.call('settle', this.thread, socket.id)
    if (answer !== undefined) socket.send({ type: 'sync', documentId: this.#documentId, data: answer })
    await this.#tell()
  }

  async #admit(socket: SyncSocket): Promise<boolean> {
    const isAvailable = await this.#options.isAvailable(this.thread, socket)
    if (!isAvailable) {
      socket.send({ type: 'doc-unavailable', documentId: this.#documentId })
      return false
    }
    if (!socket.isOpen) return false
    this.#sockets.set(socket.id, socket)
    if (this.isLoaded) await this.#options.host.call('join', this.thread, socket.id)
    return true
  }

  /** @returns why what was offered, or a part of it, does not stay */
  async #store(offer: Offer): Promise<RefusedEdit | undefined> {
    let kept = false
    try {
      const stored = await this.#options.store(this.thread, offer.changes)
      if (stored.status === 'apart') throw new Error(`the store refused what a replica took: ${stored.reason}`)
      kept = stored.status === 'stored' && !offer.spoilt
      return stored.status === 'refused' ? refusedEdit(stored.code) : offer.refused
    } finally {
      if (!kept) await this.#unload()
    }
  }

  async #refuse(socket: SyncSocket, { code, reason, drafts }: RefusedEdit): Promise<void> {
    const { host, onRefused } = this.#options
    await this.#load()
    this.#deaf.add(socket.id)
    await host.call('leave', this.thread, socket.id)
    const saved = await host.call('save', this.thread)
    const document = saved.length > MAX_DOCUMENT_BYTES ? null : saved
    socket.notify(this.#documentId, encodeNotice({ type: 'refused', code, reason, texts: drafts, document }))
    onRefused(socket, code)
    await this.#tell()
  }

  /** Its causes are on their way from another node, or the laptop speaks through another one. */
  #hold(socket: SyncSocket, message: Uint8Array): void {
    if (this.#waiting.length >= MAX_WAITING) {
      socket.close('causes-missing')
      return
    }
    const again = () => {
      const due = this.#waiting.filter((each) => each.timer === timer)
      this.#dropWaiting((each) => each.timer === timer)
      for (const each of due) void this.#enqueue(() => this.#take(each.socket, each.message, true), socket)
    }
    const timer = setTimeout(again, this.#options.holdMs).unref()
    this.#waiting.push({ socket, message, timer })
    const reason = 'it follows entries that have not come to this node yet, or is bound to another node'
    socket.notify(this.#documentId, encodeNotice({ type: 'waiting', code: 'CAUSES_MISSING', reason }))
  }

  async #tellNews(): Promise<void> {
    const news = this.#news.splice(0)
    if (this.#isCut) return this.#cut()
    if (this.isLoaded && news.length > 0) {
      const fits = await this.#options.host.call('learn', this.thread, news)
      if (!fits) await this.#unload()
    }
    await this.#tell()
    const waiting = this.#waiting
    this.#dropWaiting(() => true)
    for (const { socket, message } of waiting) void this.#enqueue(() => this.#take(socket, message), socket)
  }

  /** What was shown is not in the thread any more, and stays in every copy: they have to begin anew. */
  async #cut(): Promise<void> {
    this.#isCut = false
    await this.#unload()
    for (const socket of this.#sockets.values()) {
      if (!this.#deaf.has(socket.id)) await this.#refuse(socket, refusedEdit('LOST'))
    }
  }

  async #tell(): Promise<void> {
    for (const socket of this.#sockets.values()) {
      if (this.#deaf.has(socket.id)) continue
      await this.#load()
      try {
        const data = await this.#options.host.call('message', this.thread, socket.id)
        if (data !== undefined) socket.send({ type: 'sync', documentId: this.#documentId, data })
      } catch (error) {
        // What it once said of itself is the reason: nobody else is to blame, least of all whose job this is.
        await this.#failed(error, socket)
      }
    }
  }

  async #load(): Promise<void> {
    if (this.isLoaded) return
    const { host, threads, onLoad } = this.#options
    onLoad(this)
    this.#news = [] // they are in the log
    this.#isLoading = true
    try {
      const envelopes: Uint8Array[] = []
      for await (const envelope of threads.envelopesAfter(this.thread, new Map())) envelopes.push(envelope)
      const listening = [...this.#sockets.keys()].filter((id) => !this.#deaf.has(id))
      await host.call('open', this.thread, envelopes, listening)
      this.#loadedIn = host.generation
    } catch (error) {
      if (error instanceof WorkerError && error.code === 'CLOSED') throw error
      // Of the log, which nobody who waits for it has sent.
      throw new Error(`thread ${this.thread} could not be opened for laptops`, { cause: error })
    } finally {
      this.#isLoading = false
    }
  }

  #speakerOf({ token }: SyncSocket): Speaker {
    const { peer, key } = this.#options.sponsor
    return { peer, key, author: `human:${token.name}@${peer}`, readOnly: token.readOnly }
  }

  /** @param by whose message it is about, if any */
  #enqueue(job: () => Promise<void>, by?: SyncSocket): Promise<void> {
    this.#jobs++
    this.#line = this.#line
      .then(job)
      .catch((error: unknown) => this.#failed(error, by))
      .finally(() => this.#jobs--)
    return this.#line
  }

  async #failed(error: unknown, by: SyncSocket | undefined): Promise<void> {
    const { observe, onFault } = this.#options
    const isLost = !this.isLoaded
    await this.#discard()
    if (error instanceof WorkerError) {
      if (error.code === 'CLOSED') return
      // The thread was ended in between; everybody begins anew with the next one.
      if (error.code === 'FAILED' && isLost) {
        this.refresh()
        return
      }
      // One call is made at a time: also a thread that died did so for this one.
      if (by !== undefined) {
        onFault(by, FAULTS[error.code], error.message)
        return
      }
    }
    observe({ type: 'failed', error })
    for (const socket of by === undefined ? this.#sockets.values() : [by]) socket.close('failed')
  }

  /** After a failure the replica is not to be trusted, nor kept. */
  async #discard(): Promise<void> {
    try {
      await this.#unload()
    } catch (error) {
      const isClosed = error instanceof WorkerError && error.code === 'CLOSED'
      if (!isClosed) this.#options.observe({ type: 'failed', error })
    }
  }

  #dropWaiting(isGone: (waiting: Waiting) => boolean): void {
    for (const waiting of this.#waiting.filter(isGone)) clearTimeout(waiting.timer)
    this.#waiting = this.#waiting.filter((waiting) => !isGone(waiting))
  }
}

const FAULTS = { FAULT: 'message', FAILED: 'message', HUNG: 'hung', DIED: 'died' } as const
