import type { PeerId, ThreadId } from '@bzzz/protocols'

/** How bytes came: over gossip, as the answer to a question, or unasked over the direct stream. */
export type Way = 'gossip' | 'repair' | 'direct'

/** What happened, told after it happened. */
export type MeshFact =
  | { type: 'peer-online'; peer: PeerId; direction: 'dialled' | 'accepted'; address: string }
  | { type: 'peer-offline'; peer: PeerId; reason: string }
  | { type: 'dial-failed'; peer: PeerId; reason: string; retryMs: number }
  /** Someone proved a key that no member has, and was sent away. */
  | { type: 'stranger-refused'; peer: string; address: string }
  /** Someone who is no member any more was handed the manifest, and sent away. */
  | { type: 'former-told'; peer: string; version: number }
  /** The same went wrong: it hung up before, or spoke out of turn. */
  | { type: 'former-lost'; peer: string; reason: string }
  /** A request with an invitation was answered: `code` null for one that is a member now. */
  | { type: 'join-answered'; invite: PeerId; peer: PeerId; code: string | null }
  /** Who came with an invitation said nothing that could be answered. */
  | { type: 'join-refused'; invite: PeerId; code: string; reason: string }
  /** It could not be decided or written down here. */
  | { type: 'join-failed'; invite: PeerId; error: unknown }
  /** A connection whose hello was wrong or did not come. */
  | { type: 'hello-refused'; peer: PeerId; code: string; reason: string }
  /** Bytes on a link that are no frame, or a frame out of turn: the link was closed. */
  | { type: 'frame-refused'; peer: PeerId; code: string; reason: string }
  /** It did too much of what no honest member does: its connections were closed, and there are none for `ms`. */
  | { type: 'peer-shunned'; peer: PeerId; ms: number; reason: string }
  /** `recipients` counts neighbours it was handed to, not arrivals. `direct` went over the link instead. */
  | { type: 'batch-published'; envelopes: number; bytes: number; recipients: number; direct: number }
  /** A gossip message that is no batch, or from a neighbour that is no member: not relayed. */
  | { type: 'gossip-refused'; peer: PeerId; code: string; reason: string }
  /** The same for cards; `peer` handed it over. A bad card on a link is a refused hello or frame. */
  | { type: 'card-refused'; peer: PeerId; code: string; reason: string }
  | {
      type: 'envelope-received'
      peer: PeerId
      way: Way
      status: 'applied' | 'repeat' | 'held' | 'lost'
      thread: ThreadId
    }
  /** `peer` handed it over, `author` (where it could be read) signed it: with gossip they differ. */
  | { type: 'envelope-refused'; peer: PeerId; way: Way; code: string; reason: string; author: PeerId | null }
  /** The store did not take it (it is closed or frozen); repair brings it again. */
  | { type: 'receive-failed'; peer: PeerId; way: Way; error: unknown }
  /** More than could be held was waiting: left to repair. */
  | { type: 'envelopes-dropped'; peer: PeerId | null; way: Way | 'publish'; envelopes: number }
  | { type: 'page-served'; peer: PeerId; envelopes: number; bytes: number; packedBytes: number; more: boolean }
  /** Every change of it is verified and stored. */
  | { type: 'snapshot-taken'; peer: PeerId; thread: ThreadId; changes: number }
  /** What the peer offered does not hold: the link was closed, and it is not asked for snapshots again. */
  | { type: 'snapshot-refused'; peer: PeerId; thread: ThreadId; reason: string }
  /** A round or an answer that failed on this side, such as a store that could not be read. */
  | { type: 'repair-failed'; peer: PeerId | null; error: unknown }
  /** A frame of a running call's text that is none, is not signed by its agent's node, or is not of a member: not relayed. */
  | { type: 'tokens-refused'; peer: PeerId; code: string; reason: string }
  /** More frames than an honest node makes. `peer` signed them, or handed them over. */
  | { type: 'tokens-dropped'; peer: PeerId }
  /** Only told where somebody in the mesh watches. `recipients` counts neighbours that it was handed to. */
  | { type: 'tokens-published'; recipients: number; bytes: number }
  | { type: 'tokens-failed'; error: unknown }
  /** A donor was asked for rights; what it decided is the budget's to tell. */
  | { type: 'grant-asked'; peer: PeerId; answered: boolean; seconds: number }
  /** The own ledger did not take what a peer asked for or told. */
  | { type: 'budget-failed'; peer: PeerId; error: unknown }
  | { type: 'blob-fetched'; peer: PeerId; hash: string; bytes: number }
  | { type: 'blob-refused'; peer: PeerId; hash: string; reason: string }
  /** For the DHT, or out of it: whoever hands a record on need not have made it, so nobody is named. */
  | { type: 'record-refused'; code: string; reason: string }
  | { type: 'manifest-published'; version: number; acks: number }
  /** The newest manifest could not be put into the DHT, or what was found there could not be kept. */
  | { type: 'manifest-record-failed'; error: unknown }
  | { type: 'record-put'; acks: number; seconds: number }
  | { type: 'record-got'; found: boolean; seconds: number }
  /** libp2p did not stop cleanly; the mesh is closed all the same. */
  | { type: 'close-failed'; error: unknown }

export type Observe = (fact: MeshFact) => void
