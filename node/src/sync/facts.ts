/** What the laptops' door reports, after it happened. */
export type SyncFact =
  | { readonly type: 'opened'; readonly open: number }
  | { readonly type: 'closed'; readonly open: number; readonly why: SyncClose; readonly token: string }
  /** Something no honest client sends: its socket is closed. `token` is the name of its holder. */
  | { readonly type: 'fault'; readonly kind: FaultKind; readonly reason: string; readonly token: string }
  /** So many faults within a minute that the token is refused for a while. */
  | { readonly type: 'penalised'; readonly token: string; readonly ms: number }
  /** Changes of a laptop, signed and synced to disk. */
  | { readonly type: 'edited'; readonly changes: number; readonly bytes: number }
  | { readonly type: 'edit-refused'; readonly code: string; readonly token: string }
  /** The replicas' thread was ended and begun again: it took too long, or died. */
  | { readonly type: 'worker-restarted'; readonly why: 'hung' | 'died' }
  | { readonly type: 'failed'; readonly error: unknown }

/** `frame`: not CBOR or of no known shape. `message`: Automerge or its changes are not what they should be. */
export type FaultKind = 'frame' | 'message' | 'too-large' | 'hung' | 'refusals'

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
