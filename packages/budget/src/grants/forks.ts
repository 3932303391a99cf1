import {
  type Account,
  accountKey,
  MAX_SLOT_BYTES,
  type MeshId,
  openForkProof,
  ProtocolError,
  type Verify,
} from '@bzzz/protocols'
import type { Terms } from '../calls/terms.ts'
import type { Decision, Task } from '../writer.ts'

/** An account's slots at their largest, and what is around them. */
const MAX_PROOF_BYTES = 2 * MAX_SLOT_BYTES + 1024
// Proofs are kept in memory: of members, and of incarnations that they once had.
const MAX_FORKED = 64
// A member can make up incarnations, and contradict itself in each: it leaves room for the others.
const MAX_FORKED_OF_PEER = 8

export type ForkNoted =
  | { readonly status: 'noted' | 'known'; readonly account: Account; readonly own: boolean }
  | {
      readonly status: 'refused'
      readonly code: ForkRefusalCode
      readonly reason: string
    }

export type ForkRefusalCode = 'malformed' | 'forged' | 'not-an-account' | 'not-a-member' | 'too-many'

export interface ForkContext {
  readonly mesh: MeshId
  readonly verifies: Verify | undefined
  readonly terms: (nowMs: number) => Terms
}

/** Remembers a proof against an account: nothing more is credited from it, nor given to it. */
export function noteFork(bytes: Uint8Array, { mesh, verifies, terms }: ForkContext): Task<ForkNoted> | ForkNoted {
  if (bytes.length > MAX_PROOF_BYTES)
    return { status: 'refused', code: 'malformed', reason: 'too large for an account' }
  let signer: Account | 'owner'
  try {
    signer = openForkProof(bytes, mesh, verifies).signer
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    return { status: 'refused', code: cause.code === 'BAD_SIGNATURE' ? 'forged' : 'malformed', reason: cause.message }
  }
  if (signer === 'owner') return { status: 'refused', code: 'not-an-account', reason: 'it is about manifests' }
  return forkTask(signer, Uint8Array.from(bytes), terms)
}

/** @param proof was checked */
export function forkTask(
  account: Account,
  proof: Uint8Array<ArrayBuffer>,
  terms: ForkContext['terms'],
): Task<ForkNoted> {
  return {
    needs: () => ({ calls: [], periods: [], costs: [] }),
    decide({ forked }, nowMs): Decision<ForkNoted> {
      const own = accountKey(terms(nowMs).account) === accountKey(account)
      if (forked.has(accountKey(account))) return { events: [], answer: () => ({ status: 'known', account, own }) }
      const refused = (code: ForkRefusalCode, reason: string): Decision<ForkNoted> => {
        return { events: [], answer: () => ({ status: 'refused', code, reason }) }
      }
      if (!own && !terms(nowMs).newest.members.some(({ peer }) => peer === account.peer))
        return refused('not-a-member', `${account.peer} is no member of this mesh`)
      const ofPeer = [...forked.values()].filter((one) => one.account.peer === account.peer)
      if (!own && (forked.size >= MAX_FORKED || ofPeer.length >= MAX_FORKED_OF_PEER))
        return refused(
          'too-many',
          `${forked.size} accounts are known to be in use twice, ${ofPeer.length} of that peer`,
        )
      return { events: [{ kind: 'forked', account, proof }], answer: () => ({ status: 'noted', account, own }) }
    },
  }
}
