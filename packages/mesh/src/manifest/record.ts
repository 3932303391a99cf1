import { type MeshId, manifestKey, ProtocolError } from '@bzzz/protocols'
import { MeshError } from '../errors.ts'
import type { Observe } from '../facts.ts'
import type { Mesh } from '../mesh.ts'
import type { MeshTimings } from '../timings.ts'
import type { ManifestPort } from './exchange.ts'

export interface ManifestRecordOptions {
  readonly mesh: MeshId
  readonly port: ManifestPort
  readonly records: Pick<Mesh, 'putRecord' | 'getRecord'>
  readonly timings: Pick<MeshTimings, 'manifestMs' | 'republishMs'>
  readonly closing: AbortSignal
  readonly observe: Observe
}

/**
 * The newest manifest in the DHT. It is looked for when the first peers are there and once an hour, so that a node that
 * was away learns it also from those it has no link to; and put there when it changed, at the start and once an hour.
 */
export class ManifestRecord {
  readonly #options: ManifestRecordOptions
  readonly #key: Uint8Array
  readonly #hourly: NodeJS.Timeout
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()
  /** Something is to be looked for: nobody was there to ask since the start, or an hour has passed. */
  #cold = true
  #published = 0
  #closed = false

  constructor(options: ManifestRecordOptions) {
    this.#options = options
    this.#key = manifestKey(options.mesh)
    this.#hourly = setInterval(() => this.#again(), options.timings.republishMs)
    this.#hourly.unref()
  }

  /** A newer one is in force. */
  changed(): void {
    this.#schedule()
  }

  /** Somebody can be asked. */
  peerCame(): void {
    if (this.#cold || this.#options.port.newest().version > this.#published) this.#schedule()
  }

  /** What is under way ends with the signal. */
  close(): void {
    this.#closed = true
    clearInterval(this.#hourly)
    clearTimeout(this.#timer)
  }

  #again(): void {
    this.#cold = true
    this.#published = 0
    this.#schedule()
  }

  #schedule(): void {
    if (this.#closed) return
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined
      this.#round = this.#round.then(() => this.#exchange())
    }, this.#options.timings.manifestMs)
  }

  async #exchange(): Promise<void> {
    const { closing, observe } = this.#options
    try {
      if (this.#cold) await this.#look(closing)
      await this.#publish(closing)
    } catch (error) {
      if (closing.aborted || (error instanceof MeshError && error.code === 'CLOSED')) return
      // the next change, or the hourly round, tries again
      observe({ type: 'manifest-record-failed', error })
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    this.#cold = false
    const { port, records, observe } = this.#options
    const found = await records.getRecord(this.#key, { signal })
    if (found === undefined) return
    try {
      await port.receive(found, null)
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      observe({ type: 'record-refused', code: error.code, reason: error.message })
    }
  }

  /** Also what others have put already: the DHT forgets in two days. */
  async #publish(signal: AbortSignal): Promise<void> {
    const { port, records, observe } = this.#options
    const { version, bytes } = port.newest()
    if (version <= this.#published) return
    const acks = await records.putRecord(this.#key, bytes, { signal })
    // a lone node's own disk is no other's
    if (acks > 0) this.#published = version
    observe({ type: 'manifest-published', version, acks })
  }
}
