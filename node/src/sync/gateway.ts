import { LAPTOP_DOCUMENT_BOUNDS, type MeshId, type Signer, type ThreadId, threadOfDocument } from '@bzzz/protocols'
import type { ThreadEvent, Threads } from '@bzzz/threads'
import { OpenDocument } from './document.ts'
import type { FaultKind, ObserveSync, SyncClose, Whose } from './facts.ts'
import { type ClientFrame, readFrame } from './frames.ts'
import { createPenalties } from './penalties.ts'
import { SyncSocket, type WebSocketLike } from './socket.ts'
import { storeAsSponsor } from './storing.ts'
import { isExpired, type SyncToken, type SyncTokens } from './tokens.ts'
import { WorkerError, WorkerHost } from './worker/host.ts'

export interface GatewayOptions {
  readonly mesh: MeshId
  readonly signer: Signer
  readonly threads: Pick<Threads, 'receive' | 'vector' | 'envelopesAfter' | 'summary' | 'subscribe'>
  readonly publish: (envelope: Uint8Array, thread: ThreadId) => void
  /** Fetches a thread that is not here, or is not kept up with. */
  readonly bring: (thread: ThreadId) => Promise<unknown>
  readonly tokens: SyncTokens
  readonly now: () => number
  readonly observe?: ObserveSync
  /** What one message may take in the replicas' thread. */
  readonly callMs?: number
  /** How long a laptop's edit waits for what it follows. */
  readonly holdMs?: number
}

export type Known =
  | { readonly status: 'admitted'; readonly token: SyncToken }
  | { readonly status: 'unknown' }
  | { readonly status: 'penalised'; readonly ms: number }
export type Admitted = Known | { readonly status: 'full' }

/** The door for stock automerge-repo clients. */
export interface SyncGateway {
  readonly tokens: SyncTokens
  /** Public key of this node, which signs for the laptops: hexadecimal. */
  readonly key: string
  /** Whose token it is, and whether it is good; however many sockets are open. */
  identify(token: string): Known
  /** Whether a holder of this token may come in now. */
  admit(token: string): Admitted
  open(ws: WebSocketLike, token: SyncToken): SocketEvents
  /** No socket of this token is open from then on. @returns false if there is none with that id */
  revoke(id: string): Promise<boolean>
  /** Idempotent. */
  close(): Promise<void>
}

/** What the websocket tells. */
export interface SocketEvents {
  frame(bytes: Uint8Array): void
  /** A frame of text, which no client of automerge-repo sends. */
  text(): void
  pong(): void
  /** The frame was above the bound, or no websocket frame. */
  broken(reason: string): void
  closed(): void
}

/** A first push may be a whole document, with what a frame says besides. */
export const MAX_SYNC_FRAME_BYTES = LAPTOP_DOCUMENT_BOUNDS.chunkBytes + 64 * 1024
// What this thread takes apart by itself in well under a millisecond; a client counts as offline that is not greeted in a second.
const MAX_READ_HERE_BYTES = 16 * 1024
const MAX_SOCKETS = 64
const MAX_SOCKETS_PER_TOKEN = 8
const MAX_DOCUMENTS_PER_SOCKET = 64
const MAX_PENDING_BYTES = 64 * 1024 * 1024
// Each takes as much memory as a loaded thread.
const MAX_REPLICAS = 16
const MAX_REFUSALS_A_MINUTE = 20
const BEAT_MS = 15_000
/** Memory that Automerge took is only given back with the thread it was taken in. */
const IDLE_MS = 30_000
const CALL_MS = 5_000
const HOLD_MS = 30_000

export function openGateway(options: GatewayOptions): SyncGateway {
  return new OpenGateway(options)
}

class OpenGateway implements SyncGateway {
  readonly tokens: SyncTokens
  readonly key: string
  readonly #options: GatewayOptions
  readonly #observe: ObserveSync
  readonly #host: WorkerHost
  readonly #penalties = createPenalties()
  readonly #sockets = new Map<number, SyncSocket>()
  readonly #documents = new Map<ThreadId, OpenDocument>()
  readonly #refusals = new Map<number, number>()
  readonly #stop: () => void
  readonly #heart: NodeJS.Timeout
  #beats = 0
  #lastId = 0
  #resting: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined

  constructor(options: GatewayOptions) {
    this.#options = options
    this.tokens = options.tokens
    this.key = Buffer.from(options.signer.publicKey).toString('hex')
    this.#observe = options.observe ?? (() => {})
    const { mesh, callMs = CALL_MS } = options
    this.#host = new WorkerHost({ mesh, callMs, onRestart: (why) => this.#restarted(why) })
    this.#stop = options.threads.subscribe((event: ThreadEvent) => this.#documents.get(event.document)?.heed(event))
    this.#heart = setInterval(() => this.#beat(), BEAT_MS).unref()
  }

  identify(text: string): Known {
    const token = this.tokens.find(text)
    if (token === undefined) return { status: 'unknown' }
    const ms = this.#penalties.waits(token.id, this.#options.now())
    return ms > 0 ? { status: 'penalised', ms } : { status: 'admitted', token }
  }

  admit(text: string): Admitted {
    const known = this.identify(text)
    if (known.status !== 'admitted') return known
    const isFull = this.#sockets.size >= MAX_SOCKETS || this.#of(known.token.id).length >= MAX_SOCKETS_PER_TOKEN
    return isFull || this.#closing !== undefined ? { status: 'full' } : known
  }

  open(ws: WebSocketLike, token: SyncToken): SocketEvents {
    clearTimeout(this.#resting)
    const { peer: self } = this.#options.signer
    const socket = new SyncSocket(++this.#lastId, token, ws, { self, onClose: (why) => this.#left(socket, why) })
    this.#sockets.set(socket.id, socket)
    this.#observe({ type: 'opened', open: this.#sockets.size })
    // It may have been revoked between the answer to the upgrade and now.
    this.#isGood(socket)
    return {
      frame: (bytes) => this.#frame(socket, bytes),
      text: () => this.#fault(socket, 'frame', 'a frame of text'),
      pong: () => socket.heard(),
      broken: (reason) => this.#fault(socket, 'too-large', reason),
      closed: () => socket.close('left'),
    }
  }

  async revoke(id: string): Promise<boolean> {
    const revoking = this.tokens.revoke(id)
    for (const socket of this.#of(id)) socket.close('revoked')
    return await revoking
  }

  close(): Promise<void> {
    this.#closing ??= this.#shut()
    return this.#closing
  }

  async #shut(): Promise<void> {
    this.#stop()
    clearInterval(this.#heart)
    clearTimeout(this.#resting)
    for (const socket of this.#sockets.values()) socket.close('closing')
    await this.#host.close()
  }

  #frame(socket: SyncSocket, bytes: Uint8Array): void {
    if (!socket.isOpen) return
    socket.heard()
    const pending = [...this.#sockets.values()].reduce((sum, { pendingBytes }) => sum + pendingBytes, bytes.length)
    if (pending > MAX_PENDING_BYTES) {
      socket.close('crowded')
      return
    }
    const own = Uint8Array.from(bytes) // a view would take the whole buffer that it lies in to the other thread
    socket.enqueue(own.length, () => this.#handle(socket, own))
  }

  async #handle(socket: SyncSocket, bytes: Uint8Array): Promise<void> {
    try {
      const frame = await this.#read(socket, bytes)
      if (frame !== undefined) await this.#heed(socket, frame)
    } catch (error) {
      this.#observe({ type: 'failed', error })
      socket.close('failed')
    }
  }

  /** @returns undefined if that was the end of the socket */
  async #read(socket: SyncSocket, bytes: Uint8Array): Promise<ClientFrame | undefined> {
    try {
      const isSmall = bytes.length <= MAX_READ_HERE_BYTES
      const frame = isSmall ? readFrame(bytes) : await this.#host.call('read', bytes)
      if (frame !== null && frame !== undefined) return frame
      this.#fault(socket, 'frame', 'no frame of automerge-repo')
    } catch (error) {
      if (!(error instanceof WorkerError)) throw error
      if (error.code === 'HUNG') this.#fault(socket, 'hung', 'a frame that took too long to read')
      else if (error.code === 'DIED') this.#fault(socket, 'died', 'a frame that took too much memory to read')
      else socket.close('failed')
    }
    return undefined
  }

  async #heed(socket: SyncSocket, frame: ClientFrame): Promise<void> {
    if (frame.type === 'join') return this.#join(socket, frame)
    if (socket.peer === '') return this.#fault(socket, 'frame', 'the first frame has to be a join')
    if (frame.type === 'leave') return socket.close('left')
    if (frame.type === 'other') return
    const thread = threadOfDocument(frame.documentId)
    const document = thread === undefined ? undefined : this.#documentFor(socket, thread)
    if (document === undefined) return socket.send({ type: 'doc-unavailable', documentId: frame.documentId })
    await document.take(socket, frame.data)
    this.#forget(document)
  }

  #join(socket: SyncSocket, { senderId, isSupported }: ClientFrame & { readonly type: 'join' }): void {
    socket.peer = senderId
    if (isSupported) {
      socket.send({ type: 'peer', peerMetadata: { isEphemeral: true }, selectedProtocolVersion: '1' })
    } else {
      socket.send({ type: 'error', message: 'unsupported protocol version' })
      socket.close('left')
    }
  }

  #documentFor(socket: SyncSocket, thread: ThreadId): OpenDocument | undefined {
    const known = this.#documents.get(thread)
    if (known?.has(socket)) return known
    const open = [...this.#documents.values()].filter((document) => document.has(socket))
    if (open.length >= MAX_DOCUMENTS_PER_SOCKET) return undefined
    const document = known ?? this.#newDocument(thread)
    this.#documents.set(thread, document)
    return document
  }

  #newDocument(thread: ThreadId): OpenDocument {
    const { mesh, signer, threads, publish, holdMs = HOLD_MS } = this.#options
    const observe = this.#observe
    return new OpenDocument(thread, {
      host: this.#host,
      threads,
      sponsor: { peer: signer.peer, key: this.key },
      holdMs,
      store: (of, changes) => storeAsSponsor({ mesh, signer, threads, publish, observe }, of, changes),
      isAvailable: (of, { token }) => this.#isAvailable(of, token),
      isGood: (socket) => this.#isGood(socket),
      onFault: (socket, kind, reason) => this.#fault(socket, kind, reason),
      onRefused: (socket, code) => this.#refused(socket, code),
      onLoad: (document) => this.#makeRoom(document),
      observe,
    })
  }

  /** Nobody is told that a thread exists which the token is not for. */
  async #isAvailable(thread: ThreadId, { projects, threads: named }: SyncToken): Promise<boolean> {
    const { threads, bring } = this.#options
    if (projects === null && named !== null && !named.includes(thread)) return false
    await bring(thread)
    const summary = threads.summary(thread)
    if (summary === undefined) return false
    if (projects === null && named === null) return true
    return named?.includes(thread) === true || projects?.includes(summary.project) === true
  }

  #isGood(socket: SyncSocket): boolean {
    if (!this.tokens.has(socket.token.id)) socket.close('revoked')
    else if (isExpired(socket.token, this.#options.now())) socket.close('expired')
    return socket.isOpen
  }

  /** The least recently used replicas go; their documents are read again when they are needed. */
  #makeRoom(wanted: OpenDocument): void {
    this.#documents.delete(wanted.thread)
    this.#documents.set(wanted.thread, wanted)
    let loaded = [...this.#documents.values()].filter(({ isLoaded }) => isLoaded).length
    for (const document of this.#documents.values()) {
      if (loaded < MAX_REPLICAS) return
      if (document === wanted || !document.isLoaded || !document.isIdle) continue
      document.rest()
      loaded--
    }
  }

  #refused(socket: SyncSocket, code: string): void {
    this.#observe({ type: 'edit-refused', code, ...whoseOf(socket) })
    const count = (this.#refusals.get(socket.id) ?? 0) + 1
    this.#refusals.set(socket.id, count)
    if (count > MAX_REFUSALS_A_MINUTE) this.#fault(socket, 'refusals', `${count} edits refused within a minute`)
  }

  #fault(socket: SyncSocket, kind: FaultKind, reason: string): void {
    if (!socket.isOpen) return
    const { id } = socket.token
    this.#observe({ type: 'fault', kind, reason, ...whoseOf(socket) })
    const ms = this.#penalties.fault(id, this.#options.now())
    if (ms > 0) this.#observe({ type: 'penalised', ms, ...whoseOf(socket) })
    for (const each of ms > 0 ? this.#of(id) : [socket]) each.close('fault')
  }

  #left(socket: SyncSocket, why: SyncClose): void {
    this.#sockets.delete(socket.id)
    this.#refusals.delete(socket.id)
    this.#observe({ type: 'closed', open: this.#sockets.size, why, ...whoseOf(socket) })
    for (const document of this.#documents.values()) {
      void document.leave(socket).then(() => this.#forget(document))
    }
    if (this.#sockets.size > 0 || this.#closing !== undefined) return
    this.#resting = setTimeout(() => void this.#host.rest(), IDLE_MS).unref()
  }

  #forget(document: OpenDocument): void {
    if (document.isUnused && this.#documents.get(document.thread) === document) this.#documents.delete(document.thread)
  }

  #restarted(why: 'hung' | 'died'): void {
    this.#observe({ type: 'worker-restarted', why })
    for (const document of this.#documents.values()) document.refresh()
  }

  #beat(): void {
    if (++this.#beats % BEATS_A_MINUTE === 0) this.#refusals.clear()
    const now = this.#options.now()
    for (const socket of this.#sockets.values()) {
      if (isExpired(socket.token, now)) socket.close('expired')
      else socket.beat()
    }
  }

  #of(tokenId: string): SyncSocket[] {
    return [...this.#sockets.values()].filter(({ token }) => token.id === tokenId)
  }
}

const BEATS_A_MINUTE = 60_000 / BEAT_MS

function whoseOf({ token: { id, name } }: SyncSocket): Whose {
  return { holder: name, tokenId: id }
}
