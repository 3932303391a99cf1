import type { Mark } from '@bzzz/budget'
import type { Account, OpenedManifest, Period, SignedThing } from '@bzzz/protocols'
import type { EscrowProcess } from './escrow-process.ts'
import type { House } from './world.ts'

/** Something that an account signed, or a proof against one, as it travels. */
export type Told = SignedThing | { readonly kind: 'fork'; readonly bytes: Uint8Array }

/** A machine's disks, and what its ledger held then. */
export interface Image {
  readonly account: Account
  readonly disk: ReadonlyMap<string, Uint8Array>
  readonly mark: Mark | undefined
  readonly newest: OpenedManifest
  /** Of each period that is open. */
  readonly unspent: ReadonlyMap<Period, bigint>
}

/** A machine with the shipped budget, as the others know it. */
export interface EscrowHouse extends House {
  readonly process: EscrowProcess | undefined
  /** Whose key it has. */
  readonly peer: number
  /** How often something new of its own was told. */
  readonly told: number
  /** By its clock. */
  nowMs(): number
  /** Grants that came without being asked for. */
  receive(grants: readonly Uint8Array[]): void
  hearManifest(next: OpenedManifest): void
  hear(thing: Told, from: number): void
  /** All that is on its disks now; undefined while it is off. */
  image(): Image | undefined
  /** Stops, and starts as it was then. */
  putBack(image: Image, downMs: number): void
  /** Has stopped for good. */
  remove(): void
}
