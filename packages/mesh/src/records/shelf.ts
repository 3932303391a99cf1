/**
 * How much of the DHT's records each signer takes up on this disk. A member can sign as many as it likes, of made-up
 * accounts and threads; more than this of one member is not kept.
 */
export class Shelf {
  readonly #now: () => number
  readonly #placed = new Map<string, { readonly signer: string; readonly bytes: number }>()
  readonly #taken = new Map<string, { records: number; bytes: number }>()
  #sweptMs = Number.NEGATIVE_INFINITY

  /** @param now wall clock, milliseconds */
  constructor(now: () => number) {
    this.#now = now
  }

  /** For all that there is to be placed anew. */
  clear(): void {
    this.#placed.clear()
    this.#taken.clear()
    this.#sweptMs = this.#now()
  }

  /** Whether what is over may have to make room for this signer's next record. */
  isDue(signer: string): boolean {
    return this.#isFull(signer) && this.#now() - this.#sweptMs >= SWEEP_MS
  }

  /** @returns false, and nothing is placed, when the signer has no room for another one */
  place(name: string, signer: string, bytes: number): boolean {
    const before = this.#placed.get(name)
    if (before === undefined && this.#isFull(signer)) return false
    if (before !== undefined) this.#add(before.signer, -1, -before.bytes)
    this.#add(signer, 1, bytes)
    this.#placed.set(name, { signer, bytes })
    return true
  }

  /** kad-dht hands such a one to nobody. */
  isOld(receivedMs: number): boolean {
    return this.#now() - receivedMs > VALID_MS
  }

  #isFull(signer: string): boolean {
    const taken = this.#taken.get(signer)
    return taken !== undefined && (taken.records >= MAX_RECORDS || taken.bytes >= MAX_BYTES)
  }

  #add(signer: string, records: number, bytes: number): void {
    const taken = this.#taken.get(signer) ?? { records: 0, bytes: 0 }
    this.#taken.set(signer, { records: taken.records + records, bytes: taken.bytes + bytes })
  }
}

/** Accounts of one member with a day, a month and capped threads of two days each. */
const MAX_RECORDS = 2_048
const MAX_BYTES = 16 * 1024 * 1024
const SWEEP_MS = 3_600_000
// kad-dht: PROVIDERS_VALIDITY
const VALID_MS = 48 * 3_600_000
