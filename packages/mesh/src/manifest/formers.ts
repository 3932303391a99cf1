import { encodeFrame } from '@bzzz/protocols'
import type { Connection, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { untilClosed } from '../closed.ts'
import { messageOf } from '../errors.ts'
import type { Observe } from '../facts.ts'
import type { InHand } from '../in-hand.ts'
import type { MeshTimings } from '../timings.ts'
import type { ManifestPort } from './exchange.ts'

export interface FormersOptions extends Pick<MeshTimings, 'formerMs' | 'helloMs'> {
  readonly port: Pick<ManifestPort, 'newest' | 'wasMember'>
  readonly inHand: InHand
  readonly observe: Observe
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number
}

// Each may be sent a manifest of 256 KiB: at most 8 MiB in a window, whoever comes.
const MAX_TOLD = 32
// Its hello, which is not read, holds a card of at most 64 KiB; whoever says more is cut off.
const MAX_UNREAD_BYTES = 128 * 1024

/**
 * Whoever was a member and dials was off when it was removed: it is handed the newest manifest in place of a hello, and its
 * connection ends. Nothing that it says is read. Each is let in once in `formerMs`, counted in whole ones, and so few in all.
 */
export class Formers {
  readonly #options: FormersOptions
  readonly #now: () => number
  readonly #letIn = new Set<string>()
  readonly #told = new WeakSet<Connection>()
  #window = Number.NEGATIVE_INFINITY

  constructor(options: FormersOptions) {
    this.#options = options
    this.#now = options.nowMs ?? (() => performance.now())
  }

  /** At the door, of who is no member: true counts as its one connection. */
  letsIn(peer: string): boolean {
    if (!this.#options.port.wasMember(peer)) return false
    const window = Math.floor(this.#now() / this.#options.formerMs)
    if (window !== this.#window) this.#letIn.clear()
    this.#window = window
    if (this.#letIn.has(peer) || this.#letIn.size >= MAX_TOLD) return false
    this.#letIn.add(peer)
    return true
  }

  /** It came in: it is gone again in time, whether it opened its stream or not. */
  expect(connection: Connection): void {
    if (!this.#options.port.wasMember(connection.remotePeer.toString())) return
    AbortSignal.timeout(this.#options.helloMs).addEventListener('abort', () => {
      if (connection.status === 'open') connection.abort(new Error('a farewell takes no longer'))
    })
  }

  /** Takes the stream of a link that somebody opened who is no member. */
  tell(stream: Stream, connection: Connection): void {
    const isToBeTold = this.#options.port.wasMember(connection.remotePeer.toString()) && !this.#told.has(connection)
    if (!isToBeTold) {
      stream.abort(new Error('for members alone'))
      return
    }
    this.#told.add(connection)
    this.#options.inHand.hold(this.#tell(stream, connection))
  }

  /** Never rejects. */
  async #tell(stream: Stream, connection: Connection): Promise<void> {
    const { port, helloMs, observe } = this.#options
    const peer = connection.remotePeer.toString()
    const signal = AbortSignal.timeout(helloMs)
    try {
      const { version, bytes } = port.newest()
      const framed = lpStream(stream, { maxBufferSize: MAX_UNREAD_BYTES })
      await framed.write(encodeFrame({ t: 'manifest', manifest: Uint8Array.from(bytes) }), { signal })
      // it hangs up once it has read; until then the manifest may still be under way
      await untilClosed(stream, signal)
      observe({ type: 'former-told', peer, version })
    } catch (error) {
      observe({ type: 'former-lost', peer, reason: messageOf(error) })
    } finally {
      connection.abort(new Error('no longer a member'))
    }
  }
}
