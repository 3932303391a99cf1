import {
  type Account,
  accountKey,
  contradicts,
  equalBytes,
  type MeshId,
  type Numbered,
  openAck,
  openGrant,
  openSlot,
  type PeerId,
  ProtocolError,
  proveFork,
  type SignedThing,
  type Verify,
} from '@bzzz/protocols'

/** Something that an account signed, its signature checked. */
export interface Sighting extends Numbered {
  readonly account: Account
  readonly thing: SignedThing
}

/** What others were seen to sign, a little of each account: enough to notice when its ledger is in use twice. In memory. */
export interface Sightings {
  /** @returns proof, when this one and one seen before cannot be of one ledger */
  see(sighting: Sighting): Uint8Array | undefined
  /** Whether a later opening of its ledger was seen than the one that signed it. */
  isLate(sighting: Sighting): boolean
  /** The newest of each account of a peer, and of its last openings: one that was put back does not know the one it replaced. */
  newestOf(peer: PeerId): readonly SignedThing[]
  /** The newest of every account. */
  newest(): readonly Sighting[]
}

// More than a mesh has nodes, and some accounts that they once had.
const MAX_ACCOUNTS = 128
// Of one account; a slot has 64 KiB at most, and most have half of one.
const MAX_THINGS = 16
const MAX_BYTES = 128 * 1024
const MAX_OPENINGS = 4

/** @throws {ProtocolError} for what no account of this mesh has signed */
export function sightingOf(thing: SignedThing, mesh: MeshId, verifies?: Verify): Sighting {
  const { kind, bytes } = thing
  switch (kind) {
    case 'slot': {
      const { account, seq, boot } = openSlot(bytes, mesh, verifies)
      return { account, number: seq, boot, thing }
    }
    case 'grant': {
      const { from, seq, boot } = openGrant(bytes, mesh, verifies)
      return { account: from, number: seq, boot, thing }
    }
    case 'ack': {
      const { account, seq } = openAck(bytes, mesh, verifies)
      return { account, number: seq, thing }
    }
    case 'manifest':
      throw new ProtocolError('BAD_SHAPE', 'a manifest is not of an account')
  }
}

export function createSightings(mesh: MeshId, verifies?: Verify): Sightings {
  /** Ascending numbers each; the account that was seen last comes last. */
  const byAccount = new Map<string, Sighting[]>()

  function see(sighting: Sighting): Uint8Array | undefined {
    const name = accountKey(sighting.account)
    const seen = byAccount.get(name) ?? []
    if (seen.some((one) => one.number === sighting.number && isSame(one, sighting))) return undefined
    const proof = proofAmong(seen, sighting, mesh, verifies)
    byAccount.delete(name)
    byAccount.set(name, bounded([...seen, sighting].toSorted((a, b) => a.number - b.number)))
    const [oldest] = byAccount.keys()
    if (byAccount.size > MAX_ACCOUNTS && oldest !== undefined) byAccount.delete(oldest)
    return proof
  }

  const newest = (): Sighting[] => [...byAccount.values()].flatMap((seen) => seen.at(-1) ?? [])
  return {
    see,
    isLate: ({ account, boot }) => {
      const seen = byAccount.get(accountKey(account)) ?? []
      return boot !== undefined && seen.some((one) => one.boot !== undefined && one.boot.counter > boot.counter)
    },
    newest,
    newestOf: (peer) => {
      const ofPeer = [...byAccount.values()].filter(([first]) => first?.account.peer === peer)
      return ofPeer.flatMap((seen) => [...lastOfOpenings(seen)].map(({ thing }) => thing))
    },
  }
}

/** @returns undefined when one ledger may have signed it and all the others */
export function proofAmong(
  seen: readonly Sighting[],
  sighting: Sighting,
  mesh: MeshId,
  verifies?: Verify,
): Uint8Array | undefined {
  for (const one of seen) {
    const doubtful = one.number === sighting.number ? !isSame(one, sighting) : contradicts(one, sighting)
    const proof = doubtful ? proveFork(one.thing, sighting.thing, mesh, verifies) : undefined
    if (proof !== undefined) return proof.bytes
  }
  return undefined
}

function isSame(a: Sighting, b: Sighting): boolean {
  return a.thing.kind === b.thing.kind && equalBytes(a.thing.bytes, b.thing.bytes)
}

/** Without the oldest ones; the newest of each of the last openings stay whatever their size. */
function bounded(ascending: readonly Sighting[]): Sighting[] {
  const last = lastOfOpenings(ascending)
  let bytes = 0
  let count = 0
  const kept = ascending.toReversed().filter((sighting) => {
    bytes += sighting.thing.bytes.length
    count += 1
    return last.has(sighting) || (bytes <= MAX_BYTES && count <= MAX_THINGS)
  })
  return kept.reverse()
}

/** The newest of each of an account's last openings, and of what names none, ascending. */
function lastOfOpenings(ascending: readonly Sighting[]): ReadonlySet<Sighting> {
  const byOpening = new Map<string | undefined, Sighting>()
  for (const sighting of ascending) {
    byOpening.delete(sighting.boot?.nonce)
    byOpening.set(sighting.boot?.nonce, sighting)
  }
  return new Set([...byOpening.values()].slice(-MAX_OPENINGS))
}
