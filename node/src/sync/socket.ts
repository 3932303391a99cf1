import type { SyncClose } from './facts.ts'
import { type NodeFrame, writeFrame } from './frames.ts'
import type { SyncToken } from './tokens.ts'

/** What is used of a websocket (`ws`). */
export interface WebSocketLike {
  readonly bufferedAmount: number
  send(data: Uint8Array): void
  ping(): void
  close(code: number, reason: string): void
  terminate(): void
  pause(): void
  resume(): void
}

/** One laptop's connection: what it may send and be sent is bounded. */
export class SyncSocket {
  readonly id: number
  readonly token: SyncToken
  /** By which the client calls itself; empty until it has joined. */
  peer = ''
  readonly #ws: WebSocketLike
  readonly #self: string
  readonly #onClose: (why: SyncClose) => void
  #line: Promise<void> = Promise.resolve()
  #frames = 0
  #bytes = 0
  #notices = 0
  #isAlive = true
  #beats = 0
  #closed: SyncClose | undefined

  /** @param self this node's peer id @param onClose told once */
  constructor(
    id: number,
    token: SyncToken,
    ws: WebSocketLike,
    { self, onClose }: { self: string; onClose: (why: SyncClose) => void },
  ) {
    this.id = id
    this.token = token
    this.#ws = ws
    this.#self = self
    this.#onClose = onClose
  }

  get isOpen(): boolean {
    return this.#closed === undefined
  }

  /** Bytes that came and are not dealt with. */
  get pendingBytes(): number {
    return this.#bytes
  }

  get bufferedBytes(): number {
    return this.#ws.bufferedAmount
  }

  /** Frames are dealt with one after the other; a client that sends faster is not read from meanwhile. */
  enqueue(bytes: number, work: () => Promise<void>): void {
    this.#count(1, bytes)
    this.#line = this.#line.then(() => (this.isOpen ? work() : undefined)).finally(() => this.#count(-1, -bytes))
  }

  /** Closes a socket whose client reads too slowly instead of keeping what it does not take. */
  send(frame: NodeFrame): void {
    if (!this.isOpen) return
    this.#ws.send(writeFrame(this.#self, this.peer, frame))
    if (this.#ws.bufferedAmount > MAX_BUFFERED_BYTES) this.close('slow')
  }

  /** As an ephemeral message of a document. */
  notify(documentId: string, data: Uint8Array): void {
    const sessionId = `${this.#self}/${this.id}`
    this.send({ type: 'ephemeral', documentId, sessionId, count: ++this.#notices, data })
  }

  /** A sign of life. */
  heard(): void {
    this.#isAlive = true
  }

  beat(): void {
    // A client says who it is with its first frame, or it is none.
    if (!this.#isAlive || (this.peer === '' && this.#beats > 0)) {
      this.close('silent')
      return
    }
    this.#beats++
    this.#isAlive = false
    this.#ws.ping()
  }

  /** Idempotent. */
  close(why: SyncClose): void {
    if (!this.isOpen) return
    this.#closed = why
    const { code, reason } = CLOSES[why]
    this.#ws.close(code, reason)
    // A client that does not read gets no farewell either.
    if (why === 'slow' || why === 'silent' || why === 'closing') this.#ws.terminate()
    this.#onClose(why)
  }

  #count(frames: number, bytes: number): void {
    this.#frames += frames
    this.#bytes += bytes
    if (!this.isOpen) return
    if (this.#frames > MAX_FRAMES || this.#bytes > MAX_PENDING_BYTES) this.#ws.pause()
    else this.#ws.resume()
  }
}

// A thread of ten thousand entries in one message has some 2 MB.
const MAX_BUFFERED_BYTES = 24 * 1024 * 1024
const MAX_FRAMES = 32
const MAX_PENDING_BYTES = 1024 * 1024

/** RFC 6455 §7.4.1, and above 4000 as HTTP would say it. */
const CLOSES: Readonly<Record<SyncClose, { readonly code: number; readonly reason: string }>> = {
  left: { code: 1000, reason: '' },
  fault: { code: 1008, reason: 'what was sent is no message of an honest client' },
  slow: { code: 1008, reason: 'the client reads too slowly' },
  silent: { code: 1008, reason: 'no answer to a ping' },
  revoked: { code: 4401, reason: 'the token was revoked' },
  expired: { code: 4401, reason: 'the token has expired' },
  crowded: { code: 1013, reason: 'too much is under way: try again in a moment' },
  'causes-missing': { code: 1013, reason: 'entries of another node are missing here: try again in a moment' },
  failed: { code: 1011, reason: 'the node failed' },
  closing: { code: 1001, reason: 'the node is closing' },
}
