import type { Budget } from '@bzzz/budget'
import type { Mesh, MeshEvent } from '@bzzz/mesh'
import {
  type Account,
  type Incarnation,
  type NanoUsd,
  type OpenedManifest,
  type Period,
  sealSlot,
  slotKey,
} from '@bzzz/protocols'
import { type Identity, identityFromSeed } from '../../src/identity/identity.ts'

/** A mesh of three accounts, whose records lie in one map, and the budget of the first of them. */
export const day = 'd:2026-11-22' as Period
export const month = 'm:2026-11' as Period
export const meshId = 'c'.repeat(64) as OpenedManifest['mesh']

const identities = [1, 2, 3].map((byte) => identityFromSeed(new Uint8Array(32).fill(byte)))
export const accounts: readonly Account[] = identities.map(({ peer }) => ({
  peer,
  incarnation: '0'.repeat(32) as Incarnation,
}))
export const [walnut, ironwood, acacia] = accounts as [Account, Account, Account]

function identityOf({ peer }: Account): Identity {
  const identity = identities.find((candidate) => candidate.peer === peer)
  if (identity === undefined) throw new RangeError(`no key of ${peer}`)
  return identity
}

export const usd = (dollars: number) => BigInt(dollars * 1e9) as NanoUsd
