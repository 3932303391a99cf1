import type { PeerId } from '@bzzz/protocols'
import type { MeshFact } from '../facts.ts'

export interface FaultsOptions {
  /** So long for one fault to be forgiven. */
  readonly forgiveMs: number
  /** How long a peer is shunned; each time twice as long as the last, up to the most. */
  readonly shunFirstMs: number
  readonly shunMostMs: number
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number
  readonly onShunned: (peer: PeerId, ms: number, reason: string) => void
}

interface Conduct {
  /** Not forgiven by `at`; a fraction is on its way. */
  faults: number
  at: number
  shunMs: number
  until: number
}

// A disk that lost a few bytes, or a bug, is counted and told; more at once is a peer that costs more than it gives.
const FAULTS_ALLOWED = 8

/**
 * What each member did over its own link that no honest one does. Who does too much of it is shunned: its link ends, and for a
 * growing time there is no other. Ask of members only: a few numbers are kept for each in this run.
 */
export class Faults {
  readonly #options: FaultsOptions
  readonly #now: () => number
  readonly #conducts = new Map<PeerId, Conduct>()

  constructor(options: FaultsOptions) {
    this.#options = options
    this.#now = options.nowMs ?? (() => performance.now())
  }

  /** How much longer the peer is shunned, in milliseconds; 0 if it is not. */
  leftMs(peer: PeerId): number {
    return Math.max(0, (this.#conducts.get(peer)?.until ?? 0) - this.#now())
  }

  /** To be told of everything. */
  watch(fact: MeshFact): void {
    const fault = faultIn(fact)
    if (fault !== undefined) this.#count(fault.peer, fault.what)
  }

  #count(peer: PeerId, what: string): void {
    const now = this.#now()
    const conduct = this.#conducts.get(peer) ?? { faults: 0, at: now, shunMs: 0, until: 0 }
    this.#conducts.set(peer, conduct)
    if (now < conduct.until) return // what was still under way when it was sent away
    conduct.faults = this.#unforgiven(conduct, now) + 1
    conduct.at = now
    if (conduct.faults > FAULTS_ALLOWED) this.#shun(peer, conduct, what)
  }

  #unforgiven({ faults, at }: Conduct, now: number): number {
    const { forgiveMs } = this.#options
    return forgiveMs === 0 ? 0 : Math.max(0, faults - (now - at) / forgiveMs)
  }

  #shun(peer: PeerId, conduct: Conduct, what: string): void {
    const { shunFirstMs, shunMostMs, onShunned } = this.#options
    const isOld = conduct.at - conduct.until > shunMostMs
    conduct.shunMs = isOld ? shunFirstMs : Math.min(shunMostMs, Math.max(shunFirstMs, conduct.shunMs * 2))
    conduct.until = conduct.at + conduct.shunMs
    conduct.faults = 0
    onShunned(peer, conduct.shunMs, `shunned for ${inWords(conduct.shunMs)}: sent again and again ${what}`)
  }
}

// What no honest node can have stored, or sends as its own. Another one's refusals may depend on where it stands.
const NEVER_STORED = new Set([
  'TOO_LARGE',
  'NOT_CANONICAL',
  'BAD_SHAPE',
  'BAD_SIGNATURE',
  'WRONG_MESH',
  'BAD_CHANGE',
  'BAD_SEQUENCE',
  'NOT_AN_APPEND',
])

/**
 * Only what a peer answers for itself: over gossip honest nodes hand on what they have not looked at, and who has not heard of
 * a new member refuses what that one signs.
 */
export function faultIn(fact: MeshFact): { readonly peer: PeerId; readonly what: string } | undefined {
  switch (fact.type) {
    case 'envelope-refused':
      if (fact.way === 'gossip' || !NEVER_STORED.has(fact.code)) return undefined
      return { peer: fact.peer, what: `envelopes that no node can have stored, the last ${fact.code}` }
    case 'frame-refused':
      return fact.code === 'NOT_A_MEMBER' ? undefined : { peer: fact.peer, what: `bad frames, the last ${fact.code}` }
    case 'blob-refused':
      return { peer: fact.peer, what: 'blobs that do not have the hash they were asked for by' }
    default:
      return undefined
  }
}

function inWords(ms: number): string {
  return ms < 60_000 ? `${Math.ceil(ms / 1_000)} s` : `${Math.ceil(ms / 60_000)} min`
}
