import type { PeerId } from '@bzzz/protocols'
import type { Link } from '../link/link.ts'
import type { Links } from '../link/links.ts'

/** What the mesh needs of whoever keeps the manifest. */
export interface ManifestPort {
  newest(): { readonly version: number; readonly bytes: Uint8Array }
  /**
   * Durable, and in force, when it resolves, if it was newer; older and forked ones are passed over.
   * @param from null: it was found in the DHT
   * @throws {ProtocolError} for what no honest node hands on; rejects when the store does
   */
  receive(manifest: Uint8Array, from: PeerId | null): Promise<void>
  /** Of what the mesh's owner signed, whether it follows or not. @throws {ProtocolError} for anything else */
  versionOf(manifest: Uint8Array): number
  /** Whether this peer, no member now, was one: an earlier version that is still known named it, or the newest closes an account of it. */
  wasMember(peer: string): boolean
  /** Told when a newer one came into force. @returns how to stop */
  subscribe(listener: () => void): () => void
}

/** How long a peer that was taken off the list stays connected, to hear of it. */
const FAREWELL_MS = 300

export interface ExchangeOptions {
  readonly port: ManifestPort
  readonly links: Pick<Links, 'get' | 'all'>
  /** As its newest card says; undefined before the first. */
  readonly versionOf: (peer: PeerId) => number | undefined
}

/** Hands the newest manifest to peers that have an older one, or the same number, by their cards: after the hello, on news, on every card. */
export class ManifestExchange {
  readonly #options: ExchangeOptions
  /** Peers with our number were shown once what we have under it: theirs may be another. */
  readonly #compared = new WeakSet<Link>()

  constructor(options: ExchangeOptions) {
    this.#options = options
  }

  /** A card came, or a link. A peer that is not linked or takes no more hears it on a later card. */
  compare(peer: PeerId): void {
    const link = this.#options.links.get(peer)
    if (link !== undefined) this.#tell(link)
  }

  tellAll(): void {
    for (const link of this.#options.links.all()) this.#tell(link)
  }

  /** To a peer that the newest does not name any more: it learns why its link ends. Never rejects. */
  async farewell(link: Link): Promise<void> {
    const { version, bytes } = this.#options.port.newest()
    const theirs = this.#options.versionOf(link.peer) ?? 0
    if (theirs >= version || link.blocked) return
    const patience = AbortSignal.any([AbortSignal.timeout(FAREWELL_MS), link.ended])
    void link.tell({ t: 'manifest', manifest: Uint8Array.from(bytes) })
    // What is written has not left yet: cutting the connection would throw it away.
    await new Promise<void>((resolve) => patience.addEventListener('abort', () => resolve(), { once: true }))
  }

  #tell(link: Link): void {
    const { port, versionOf } = this.#options
    const { version, bytes } = port.newest()
    const theirs = versionOf(link.peer)
    if (theirs === undefined || theirs > version || link.blocked) return
    if (theirs === version && this.#compared.has(link)) return
    this.#compared.add(link)
    void link.tell({ t: 'manifest', manifest: Uint8Array.from(bytes) })
  }
}
