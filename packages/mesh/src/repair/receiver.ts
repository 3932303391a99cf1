import { setImmediate } from 'node:timers/promises'
import type { PeerId, ThreadId } from '@bzzz/protocols'
import type { Observe, Way } from '../facts.ts'
import type { InHand } from '../in-hand.ts'
import type { ThreadsPort } from '../threads-port.ts'

export interface ReceiverOptions {
  readonly threads: Pick<ThreadsPort, 'receive'>
  readonly inHand: InHand
  /** Causes of this thread are missing, and this peer should have them. */
  readonly onHeld: (peer: PeerId, thread: ThreadId) => void
  /** Something new of this thread is stored. */
  readonly onApplied: (thread: ThreadId) => void
  readonly observe: Observe
}

// How many are opened before the event loop gets a turn: each costs a signature check, a sixth of a millisecond in all.
const MAX_AT_ONCE = 64
// What was sent unasked and waits for the store; beyond it repair has to bring it again.
const MAX_WAITING_BYTES = 16 * 1024 * 1024

/** The one way from the wires into the threads. */
export class Receiver {
  readonly #options: ReceiverOptions
  #waitingBytes = 0

  constructor(options: ReceiverOptions) {
    this.#options = options
  }

  /** In order. @returns how many were new, once each is stored, held or refused */
  async take(peer: PeerId, way: Way, envelopes: readonly Uint8Array[]): Promise<number> {
    const received: Promise<boolean>[] = []
    for (let at = 0; at < envelopes.length; at += MAX_AT_ONCE) {
      // what is opened while the store writes shares its next synced write
      if (at > 0) await setImmediate()
      received.push(...envelopes.slice(at, at + MAX_AT_ONCE).map((envelope) => this.#receive(peer, way, envelope)))
    }
    return (await Promise.all(received)).filter(Boolean).length
  }

  /** For what nobody asked for: taken if there is room. */
  offer(peer: PeerId, way: Way, envelopes: readonly Uint8Array[]): void {
    const bytes = envelopes.reduce((sum, envelope) => sum + envelope.length, 0)
    if (this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      this.#options.observe({ type: 'envelopes-dropped', peer, way, envelopes: envelopes.length })
      return
    }
    this.#waitingBytes += bytes
    const done = this.take(peer, way, envelopes).then(() => {
      this.#waitingBytes -= bytes
    })
    this.#options.inHand.hold(done)
  }

  async #receive(peer: PeerId, way: Way, envelope: Uint8Array): Promise<boolean> {
    const { threads, onHeld, onApplied, observe } = this.#options
    try {
      const received = await threads.receive(envelope)
      if (received.status === 'refused') {
        const { code, reason, author = null } = received
        observe({ type: 'envelope-refused', peer, way, code, reason, author })
        return false
      }
      observe({ type: 'envelope-received', peer, way, status: received.status, thread: received.thread })
      if (received.status === 'held') onHeld(peer, received.thread)
      if (received.status === 'applied') onApplied(received.thread)
      return received.status === 'applied'
    } catch (error) {
      // the port rejects only when the store does: it comes again by repair once the store is back
      observe({ type: 'receive-failed', peer, way, error })
      return false
    }
  }
}
