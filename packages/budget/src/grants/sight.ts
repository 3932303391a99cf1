import { type Account, accountKey, type MeshId, type PeerId, type SignedThing, type Verify } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import type { Terms } from '../calls/terms.ts'
import type { BudgetFact } from '../facts.ts'
import { OUTRUN } from '../ledger/keys.ts'
import { readBoot } from '../ledger/read.ts'
import type { Standing } from '../ledger/standing.ts'
import type { Writer } from '../writer.ts'
import { forkTask } from './forks.ts'
import { createSightings, proofAmong, type Sighting, sightingOf } from './sightings.ts'

/** What is noticed of accounts in use twice, and of an own ledger that is older than what its account has signed. */
export interface Watching {
  /**
   * Something that an account signed: a slot, a grant or an ack, from wherever. Synced when it resolves with `forked` or `outrun`.
   * @throws {ProtocolError} for what nobody of this mesh has signed
   */
  sight(thing: SignedThing): Promise<Sighted>
  /** The newest thing that each account of a peer was seen to sign: what it is told, so that it notices an older ledger of its own. */
  seenOf(peer: PeerId): readonly SignedThing[]
  /** The newest thing that was seen of every account, to be remembered. */
  seen(): readonly { readonly account: Account; readonly thing: SignedThing }[]
}

/**
 * - `seen`: nothing speaks against it
 * - `late`: the same, but a later opening of its ledger was seen: if that ledger goes on, it is to be shown what was seen since
 * - `own`: nothing speaks against it, and it is of this machine: somebody hands back what he was told
 * - `stranger`: not of an account of a node of this mesh
 * - `forked`: its account is in use twice, and that is written down
 * - `outrun`: it is of this node's own account, and its ledger does not hold it
 */
export type Sighted = 'seen' | 'late' | 'own' | 'stranger' | 'forked' | 'outrun'

export interface Heeding {
  heed(sighting: Sighting): Promise<Sighted>
}

export interface WatchOptions {
  readonly mesh: MeshId
  readonly account: Account
  readonly verifies: Verify | undefined
  readonly terms: (nowMs: number) => Terms
  readonly standing: Standing
  /** Of the ledger in use. */
  readonly ledger: Room
  readonly writer: Pick<Writer, 'submit'>
  readonly now: () => number
  readonly observe: (fact: BudgetFact) => void
  /** The own account may do nothing more: whoever waits is to be told. */
  readonly onStopped: () => void
}

/** @returns also what takes a thing whose signature was checked before. To be made before this opening signs anything. */
export function createWatching(options: WatchOptions): Watching & Heeding {
  const { mesh, account, verifies, terms, standing, ledger, writer, now, observe, onStopped } = options
  const sightings = createSightings(mesh, verifies)
  const own = accountKey(account)
  const signedBefore = standing.meta.signedSeq

  async function heed(sighting: Sighting): Promise<Sighted> {
    if (accountKey(sighting.account) === own) return sightOwn(sighting)
    if (!isNode(sighting.account.peer)) return 'stranger'
    const proof = sightings.see(sighting)
    if (proof !== undefined) return note(sighting.account, proof)
    if (sighting.account.peer === account.peer) return 'own'
    return sightings.isLate(sighting) ? 'late' : 'seen'
  }

  function isNode(of: PeerId): boolean {
    return terms(now()).manifest.members.some(({ peer, role }) => peer === of && role === 'node')
  }

  async function note(forked: Account, proof: Uint8Array): Promise<Sighted> {
    const noted = await writer.submit(forkTask(forked, Uint8Array.from(proof), terms))
    if (accountKey(forked) === own) onStopped()
    return noted.status === 'refused' ? 'seen' : 'forked'
  }

  async function sightOwn(sighting: Sighting): Promise<Sighted> {
    const proof = proofAmong(ownThings(standing, mesh, verifies), sighting, mesh, verifies)
    if (proof !== undefined) return note(account, proof)
    if (await isKnown(sighting)) return 'own'
    await outrun(sighting)
    return 'outrun'
  }

  /** Whether this ledger was there when it was signed. */
  async function isKnown({ number, boot }: Sighting): Promise<boolean> {
    if (number > standing.meta.signedSeq) return false
    if (boot === undefined) return true
    // A number of this opening, on something of an earlier one: that one had signed more than the ledger holds.
    if (boot.nonce !== standing.meta.boot.nonce && number > signedBefore) return false
    return (await readBoot(ledger, boot.nonce)) === boot.counter
  }

  async function outrun({ number, thing }: Sighting): Promise<void> {
    if (standing.outrun) return
    standing.outrun = true
    onStopped()
    await ledger.write([{ put: OUTRUN, value: thing.bytes }])
    observe({ type: 'outrun', account, number })
  }

  return {
    heed,
    sight: async (thing) => heed(sightingOf(thing, mesh, verifies)),
    seenOf: sightings.newestOf,
    seen: sightings.newest,
  }
}

/** What the ledger in use has signed last in each period, as far as it is in memory. */
function ownThings({ periods }: Standing, mesh: MeshId, verifies: Verify | undefined): Sighting[] {
  const things = [...periods.values()].flatMap(({ balance, slot }): SignedThing[] => {
    const slots = slot === null ? [] : [{ kind: 'slot' as const, bytes: Uint8Array.from(slot) }]
    const grants = balance.transfers.given.map(({ grant }) => ({
      kind: 'grant' as const,
      bytes: Uint8Array.from(grant),
    }))
    return [...slots, ...grants]
  })
  return things.slice(-MAX_OWN_THINGS).map((thing) => sightingOf(thing, mesh, verifies))
}

// Each is opened again, which costs a tenth of a millisecond, for each thing of its own that a node is shown.
const MAX_OWN_THINGS = 64
