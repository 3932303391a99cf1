import type { PeerId, ThreadId } from '@bzzz/protocols'

/** What the links have to know of each other when threads are taken from snapshots. */
export class ColdJoins {
  readonly #joining = new Map<ThreadId, PromiseWithResolvers<void>>()
  /** Members, so no more of them than the mesh has. */
  readonly #liars = new Set<PeerId>()

  /** @returns false if another link does it already */
  begin(thread: ThreadId): boolean {
    if (this.#joining.has(thread)) return false
    this.#joining.set(thread, Promise.withResolvers<void>())
    return true
  }

  end(thread: ThreadId): void {
    this.#joining.get(thread)?.resolve()
    this.#joining.delete(thread)
  }

  has(thread: ThreadId): boolean {
    return this.#joining.has(thread)
  }

  /** Resolves once no link does it any more, however it ended. */
  async ended(thread: ThreadId): Promise<void> {
    await this.#joining.get(thread)?.promise
  }

  /** A snapshot of this peer did not hold: none of its snapshots is taken any more in this run. */
  distrust(peer: PeerId): void {
    this.#liars.add(peer)
  }

  trusts(peer: PeerId): boolean {
    return !this.#liars.has(peer)
  }
}
