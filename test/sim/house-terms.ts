import type { Mark } from '@bzzz/budget'
import type { OpenedManifest, ThreadCap, ThreadId } from '@bzzz/protocols'
import type { EscrowHouse } from './home.ts'
import type { Mutant } from './mutants.ts'
import type { Owner } from './owner.ts'
import type { World } from './world.ts'

export interface HouseTerms {
  readonly world: World
  /** Of its place in the network. */
  readonly index: number
  /** Whose key it has. */
  readonly peer: number
  /** How far ahead its clock is at first. */
  readonly clockMs: number
  readonly mutant: Mutant
  readonly first: OpenedManifest
  /** The mesh's owner is at the first node. */
  readonly owner: Pick<Owner, 'hearAck' | 'change'>
  readonly thread: { readonly id: ThreadId; readonly cap: ThreadCap }
  /** All of the mesh, this one too. */
  readonly houses: readonly EscrowHouse[]
  /** With the ledger that was made at the founding, or a copy of another's. */
  readonly disk: ReadonlyMap<string, Uint8Array>
  readonly mark?: Mark | undefined
  readonly randomBytes: (length: number) => Uint8Array
}
