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
  /** Told when a newer one came into force. @returns how to stop */
  subscribe(listener: () => void): () => void
}

export interface ExchangeOptions {
  readonly port: ManifestPort
  readonly links: Pick<Links, 'get' | 'all'>
  /** As its newest card says; undefined before the first. */
  readonly versionOf: (peer: PeerId) => number | undefined
}

/** Hands the newest manifest to peers that have an older one, by their cards: after the hello, on news, on every card. */
export class ManifestExchange {
  readonly #options: ExchangeOptions

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

  #tell(link: Link): void {
    const { port, versionOf } = this.#options
    const { version, bytes } = port.newest()
    const theirs = versionOf(link.peer)
    if (theirs === undefined || theirs >= version || link.blocked) return
    void link.tell({ t: 'manifest', manifest: Uint8Array.from(bytes) })
  }
}
