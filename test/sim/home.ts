import type { OpenedManifest } from '@bzzz/protocols'
import type { EscrowProcess } from './escrow-process.ts'
import type { House } from './world.ts'

/** A machine with the shipped budget, as the others know it. */
export interface EscrowHouse extends House {
  readonly process: EscrowProcess | undefined
  /** By its clock. */
  nowMs(): number
  /** Grants that came without being asked for. */
  receive(grants: readonly Uint8Array[]): void
  hearManifest(next: OpenedManifest): void
  /** Has stopped for good. */
  remove(): void
}
