/** What the laptops' door reports, after it happened. */
export type SyncFact =
  | { readonly type: 'opened'; readonly open: number }
  | ({ readonly type: 'closed'; readonly open: number; readonly why: SyncClose } & Whose)
  /** Something no honest client sends: its socket is closed. */
  | ({ readonly type: 'fault'; readonly kind: FaultKind; readonly reason: string } & Whose)
  /** So many faults within a minute that the token is refused for a while. */
  | ({ readonly type: 'penalised'; readonly ms: number } & Whose)
  /** Changes of a laptop, signed and synced to disk. */
  | { readonly type: 'edited'; readonly changes: number; readonly bytes: number }
  | ({ readonly type: 'edit-refused'; readonly code: string } & Whose)
  /** The replicas' thread was ended and begun again: it took too long, or died. */
  | { readonly type: 'worker-restarted'; readonly why: 'hung' | 'died' }
  | { readonly type: 'failed'; readonly error: unknown }

export interface Whose {
  /** By name. */
  readonly holder: string
  /** Not the token, which is a secret. */
  readonly tokenId: string
}

/**
 * `frame`: not CBOR or of no known shape. `message`: Automerge or its changes are not what they should be. `hung`, `died`: what
 * became of the thread that read it.
 */
export type FaultKind = 'frame' | 'message' | 'too-large' | 'hung' | 'died' | 'refusals'

export type SyncClose =
  | 'left'
  | 'fault'
  | 'slow'
  | 'silent'
  | 'revoked'
  | 'expired'
  | 'crowded'
  | 'causes-missing'
  | 'failed'
  | 'closing'

export type ObserveSync = (fact: SyncFact) => void
