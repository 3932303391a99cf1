import { type MeshId, type PeerId, ProtocolError, repairProtocol } from '@bzzz/protocols'
import type { Connection, Stream } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { messageOf } from '../errors.ts'
import type { Observe } from '../facts.ts'
import { type Host, peerOf } from '../host/host.ts'
import { type Frames, framesOf } from '../link/frames.ts'
import { exchangeHellos } from '../link/hello.ts'
import { Link } from '../link/link.ts'
import type { MeshTimings } from '../timings.ts'
import { withPeer } from './addresses.ts'
import type { Dials } from './dials.ts'
import { dialReason, farewellReason, greetingReason } from './reasons.ts'

export interface OpenerOptions {
  readonly mesh: MeshId
  readonly host: Host
  readonly dials: Dials
  readonly timings: MeshTimings
  readonly now: () => number
  readonly closing: AbortSignal
  readonly ownCard: () => Uint8Array
  /** @throws {ProtocolError} if it is not a card of that peer */
  readonly learn: (peer: PeerId, card: Uint8Array) => void
  /** From a peer that takes this node for a former member. @throws {ProtocolError} for what no honest peer hands on */
  readonly takeFarewell: (manifest: Uint8Array, from: PeerId) => Promise<void>
  readonly observe: Observe
}

/** A link, or in words why there is none. */
export type Dialled = { link: Link } | { reason: string }

/** Makes links: dials and accepts connections, exchanges hellos. Whoever dialled a connection opens its stream. */
export class Opener {
  readonly #options: OpenerOptions
  readonly #greeted = new WeakSet<Connection>()
  readonly #expected = new WeakSet<Connection>()

  constructor(options: OpenerOptions) {
    this.#options = options
  }

  /** @returns undefined when the peer is just connecting to us */
  async dial(peer: PeerId, address: string, signal: AbortSignal): Promise<Dialled | undefined> {
    const dial = this.#options.dials.begin(peer)
    try {
      const within = AbortSignal.any([signal, AbortSignal.timeout(this.#options.timings.dialMs)])
      const connection = await this.#options.host.dial(multiaddr(withPeer(address, peer)), { signal: within })
      if (connection.direction === 'inbound') {
        this.expect(connection)
        return undefined
      }
      return await this.#greet(peer, address, connection)
    } catch (error) {
      const timeoutMs = this.#options.timings.dialMs
      return { reason: dialReason({ address, stage: dial.stage, timeoutMs, error }) }
    } finally {
      this.#options.dials.end(peer)
    }
  }

  async #greet(peer: PeerId, address: string, connection: Connection): Promise<Dialled> {
    try {
      const signal = this.#inTime()
      const stream = await connection.newStream(repairProtocol(this.#options.mesh), { signal })
      const opened = await this.#open(peer, connection, stream, signal)
      if ('link' in opened) return opened
      connection.abort(new Error('this node was taken for a former member'))
      await this.#options.takeFarewell(opened.manifest, peer)
      return { reason: farewellReason(address) }
    } catch (error) {
      this.#refuse(peer, connection, error)
      return { reason: greetingReason(address, error) }
    }
  }

  /** For a stream that the peer opened. @returns undefined when its hello was wrong or did not come */
  async accept(stream: Stream, connection: Connection): Promise<Link | undefined> {
    const peer = peerOf(connection.remotePeer)
    this.#greeted.add(connection)
    try {
      const opened = await this.#open(peer, connection, stream, this.#inTime())
      return 'link' in opened ? opened.link : undefined
    } catch (error) {
      this.#refuse(peer, connection, error)
      return undefined
    }
  }

  /** Whoever dialled us has so long to open its stream; a connection without one serves nobody, and keeps us from dialling. */
  expect(connection: Connection): void {
    if (this.#expected.has(connection)) return
    this.#expected.add(connection)
    const late = AbortSignal.timeout(this.#options.timings.helloMs)
    late.addEventListener('abort', () => {
      if (this.#greeted.has(connection) || connection.status !== 'open') return
      this.#refuse(peerOf(connection.remotePeer), connection, new Error('no hello came in time'))
    })
  }

  async #open(
    peer: PeerId,
    connection: Connection,
    stream: Stream,
    signal: AbortSignal,
  ): Promise<{ link: Link } | { manifest: Uint8Array }> {
    const { mesh, learn, ownCard } = this.#options
    const frames = framesOf(stream)
    const dialled = connection.direction === 'outbound'
    const card = ownCard()
    const greeted = await exchangeHellos(frames, {
      mesh,
      card,
      learn: (theirs) => learn(peer, theirs),
      dialled,
      signal,
    })
    return greeted.status === 'farewell' ? greeted : { link: this.#linkOf(peer, connection, frames) }
  }

  #linkOf(peer: PeerId, connection: Connection, frames: Frames): Link {
    const { timings, now, observe } = this.#options
    return new Link({
      peer,
      direction: connection.direction === 'outbound' ? 'dialled' : 'accepted',
      address: connection.remoteAddr.toString(),
      frames,
      abort: (error) => connection.abort(error),
      pingMs: timings.pingMs,
      answerMs: timings.answerMs,
      now,
      onRefused: ({ code, message }) => observe({ type: 'frame-refused', peer, code, reason: message }),
    })
  }

  #inTime(): AbortSignal {
    return AbortSignal.any([this.#options.closing, AbortSignal.timeout(this.#options.timings.helloMs)])
  }

  #refuse(peer: PeerId, connection: Connection, error: unknown): void {
    connection.abort(error instanceof Error ? error : new Error(messageOf(error)))
    if (this.#options.closing.aborted) return
    const code = error instanceof ProtocolError ? error.code : 'NO_HELLO'
    this.#options.observe({ type: 'hello-refused', peer, code, reason: messageOf(error) })
  }
}
