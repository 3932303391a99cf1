import { type PeerId, ProtocolError } from '@bzzz/protocols'
import type { ManifestPort } from '../src/index.ts'

/** One byte is the whole manifest: its version. */
export class MemoryManifest implements ManifestPort {
  version: number
  /** From peers. */
  readonly received: number[] = []
  /** Peers that a version named, and this one does not. */
  readonly formers = new Set<string>()
  readonly #listeners = new Set<() => void>()

  constructor(version: number) {
    this.version = version
  }

  newest() {
    return { version: this.version, bytes: Uint8Array.of(this.version) }
  }

  versionOf([version = 0]: Uint8Array): number {
    if (version > 100) throw new ProtocolError('BAD_SIGNATURE', 'not of the owner')
    return version
  }

  wasMember(peer: string): boolean {
    return this.formers.has(peer)
  }

  async receive(manifest: Uint8Array, from: PeerId | null): Promise<void> {
    if (from !== null) this.received.push(manifest[0] ?? 0)
    const version = this.versionOf(manifest)
    if (version > this.version) this.take(version)
  }

  take(version: number): void {
    this.version = version
    for (const listener of this.#listeners) listener()
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
