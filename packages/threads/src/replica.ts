import {
  chunksIn,
  inspectChange,
  inspectDocument,
  isDocumentChunk,
  isLaptopActor,
  LAPTOP_DOCUMENT_BOUNDS,
  MAX_CHANGE_BYTES,
  type MeshId,
  type PeerId,
  ProtocolError,
  readEnvelope,
  type ThreadId,
} from '@bzzz/protocols'
import { changesIn } from './document.ts'
import type { HiddenReason } from './entry-text.ts'
import { type Admission, LoadedThread } from './loaded.ts'
import {
  draftsIn,
  newSyncState,
  nextSyncMessage,
  readSyncMessage,
  type SyncState,
  saveDocument,
  takeSyncMessage,
} from './sync.ts'

/** For whom a laptop speaks, and who signs for it. */
export interface Speaker {
  readonly peer: PeerId
  /** The sponsor's public key, hexadecimal. */
  readonly key: string
  /** The only author that may stand in its entries. */
  readonly author: string
  readonly readOnly: boolean
}

/** Why an edit of a laptop was not taken. */
export type EditRefusal =
  | Extract<Admission, { status: 'refused' | 'spoilt' }>['code']
  | 'READ_ONLY'
  /** Not by an actor that begins with the sponsor's key. */
  | 'NOT_APPENDED'
  | 'ENTRY_INVALID'
  | 'AUTHOR_REFUSED'
  | 'TOO_LARGE'
  /** It follows what was taken out of the thread. */
  | 'LOST'

export interface RefusedEdit {
  readonly code: EditRefusal
  readonly reason: string
  readonly drafts: readonly string[]
}

/** What a sync message brought that is new here. */
export interface Offer {
  /** In the replica now, and nowhere else: to be signed and stored, or the replica to be thrown away. Causes first. */
  readonly changes: readonly Uint8Array[]
  /** The first change that may not stand, with the words of all from there on. */
  readonly refused: RefusedEdit | undefined
  /** Something in it, or what it follows, is of others and has not come here yet. */
  readonly waits: boolean
  /** The replica has more in it than may stay. */
  readonly spoilt: boolean
}

/** A change that cannot be what a client made, or bytes that are no message: its sender is at fault. */
export class SyncFault extends Error {
  override readonly name = 'SyncFault'
}

/** Refused, it must not be an accident that needs a cause: the words for people. */
const REASONS: Record<EditRefusal, string> = {
  READ_ONLY: 'this token may only read',
  NOT_APPENDED: 'only entries may be added to a thread, with appendEntry and the sponsor of GET /sync/info',
  NOT_AN_APPEND: 'a change may only add entries at the end of the page of its own actor: use appendEntry',
  ENTRY_INVALID: 'it is no entry that a laptop may write: message, vote, note (info) or x-…, at most 128 KiB of JSON',
  AUTHOR_REFUSED: 'its author is not the one that this token may write as',
  TOO_LARGE: 'a change has at most 256 KiB',
  LOST: 'it follows entries that were taken out of the thread, since their signer told others something else',
  EQUIVOCATION: 'another change stands in its place: two programs wrote with one copy of the document',
  BAD_SEQUENCE: 'its numbers do not follow from what it depends on',
  TOO_MANY_ACTORS: 'the thread has as many writers as it can have',
  CRDT_REFUSED: 'Automerge failed on it',
}

interface Fresh {
  readonly bytes: Uint8Array
  readonly header: ReturnType<typeof inspectChange>
}

interface Offered {
  /** After what the message says, without what it brings. */
  readonly state: SyncState
  /** Undefined if it brought nothing. */
  readonly rest: Uint8Array | undefined
}

/** A copy of one thread that is compared with laptops' copies, message by message. Nothing of it is on disk. */
export class Replica {
  readonly #mesh: MeshId
  readonly #loaded: LoadedThread
  readonly #peers = new Map<number, SyncState>()
  /** Messages that were offered and not settled. */
  readonly #offered = new Map<number, Offered>()

  /** @param envelopes the thread's whole log @throws {ThreadsError} LOG_DAMAGED */
  constructor(mesh: MeshId, thread: ThreadId, envelopes: readonly Uint8Array[]) {
    this.#mesh = mesh
    const log = envelopes.map((bytes) => readEnvelope(mesh, bytes))
    // whatever a laptop sends is tried on the document at once
    this.#loaded = new LoadedThread(thread, READER, log, undefined, 'one by one')
  }

  /** Takes in what is in the log meanwhile. @returns false when it does not fit: the replica is to be made anew */
  learn(envelopes: readonly Uint8Array[]): boolean {
    return envelopes.every((bytes) => {
      const { status } = this.#loaded.admit(readEnvelope(this.#mesh, bytes))
      return status === 'applied' || status === 'repeat'
    })
  }

  /** Every change of the message is inspected before the CRDT sees it. @throws {SyncFault} */
  offer(from: number, bytes: Uint8Array, speaker: Speaker): Offer {
    const { rest, chunks } = read(bytes)
    // Before the changes are in: afterwards it would look as if both sides had known them all along, and need no answer.
    const state = this.#heard(this.#peers.get(from) ?? newSyncState(), rest)
    const offer = this.#admit(this.#fresh(chunks), speaker)
    this.#offered.set(from, { state, rest: offer.changes.length > 0 ? rest : undefined })
    return offer
  }

  /** All that the sender has is here: it may be listened to, also after a refusal. @throws {SyncFault} */
  knows(bytes: Uint8Array): boolean {
    const { heads, chunks } = read(bytes)
    return heads.every((head) => this.#loaded.includes(head)) && this.#fresh(chunks).length === 0
  }

  /** What was offered is stored. @returns the answer, which says so */
  settle(from: number): Uint8Array | undefined {
    const offered = this.#offered.get(from)
    this.#offered.delete(from)
    if (offered === undefined) return undefined
    const { state, message } = this.#next(offered.state)
    this.#peers.set(from, offered.rest === undefined ? state : this.#heard(state, offered.rest))
    return message
  }

  join(peer: number): void {
    if (!this.#peers.has(peer)) this.#peers.set(peer, newSyncState())
  }

  leave(peer: number): void {
    this.#peers.delete(peer)
    this.#offered.delete(peer)
  }

  /** @returns no message for who knows all that is here, or has not joined */
  message(to: number): Uint8Array | undefined {
    const before = this.#peers.get(to)
    if (before === undefined) return undefined
    const { state, message } = this.#next(before)
    this.#peers.set(to, state)
    return message
  }

  save(): Uint8Array {
    return this.#loaded.exchange((document) => [document, saveDocument(document)])
  }

  free(): void {
    this.#loaded.free()
  }

  #heard(state: SyncState, rest: Uint8Array): SyncState {
    return this.#loaded.exchange((document) => {
      const taken = takeSyncMessage(document, state, rest)
      return [taken.document, taken.state]
    })
  }

  #next(state: SyncState): ReturnType<typeof nextSyncMessage> {
    return this.#loaded.exchange((document) => [document, nextSyncMessage(document, state)])
  }

  /** @throws {SyncFault} */
  #fresh(chunks: readonly Uint8Array[]): Fresh[] {
    const fresh = new Map<string, Fresh>()
    for (const bytes of chunks.flatMap(changesOf)) {
      const header = bytes.length > MAX_CHANGE_BYTES ? { ...TOO_LARGE_HEADER } : inspected(bytes)
      if (!this.#loaded.includes(header.hash)) fresh.set(header.hash, { bytes, header })
    }
    return [...fresh.values()].sort((a, b) => a.header.startOp - b.header.startOp)
  }

  #admit(fresh: readonly Fresh[], speaker: Speaker): Offer {
    const changes: Uint8Array[] = []
    let waits = false
    for (const [i, { bytes, header }] of fresh.entries()) {
      const { status, code, spoilt } = this.#judge({ bytes, header }, speaker)
      if (status === 'taken') changes.push(bytes)
      if (status === 'waits') waits = true
      if (status === 'refused') return { changes, refused: refusalOf(code, fresh.slice(i)), waits: false, spoilt }
    }
    return { changes, refused: undefined, waits, spoilt: false }
  }

  #judge({ bytes, header }: Fresh, speaker: Speaker): Judgement {
    if (header.hash === TOO_LARGE_HEADER.hash) return refused('TOO_LARGE')
    if (isNodeActor(header.actor) || isOthers(header.actor, speaker)) return { status: 'waits', ...NOTHING }
    if (speaker.readOnly) return refused('READ_ONLY')
    if (!isLaptopActor(header.actor)) return refused('NOT_APPENDED')
    const { thread } = this.#loaded
    const admission = this.#loaded.admit({ thread, author: speaker.peer, header, change: bytes })
    switch (admission.status) {
      case 'applied': {
        const { shown, hidden } = admission.brought
        const [reason] = hidden
        if (reason !== undefined) return { ...refused(hiddenCode(reason)), spoilt: true }
        const isTheirs = shown.every(({ entry }) => entry.author === speaker.author)
        return isTheirs ? { status: 'taken', ...NOTHING } : { ...refused('AUTHOR_REFUSED'), spoilt: true }
      }
      case 'missing':
        return { status: 'waits', ...NOTHING }
      case 'repeat':
        return { status: 'known', ...NOTHING }
      case 'refused':
        return refused(admission.code)
      case 'unsettled': // cannot be: changes go into the document one by one
        return { ...refused('CRDT_REFUSED'), spoilt: true }
      case 'spoilt':
        return { ...refused(admission.code), spoilt: true }
      case 'lost':
        return refused('LOST')
      default:
        return refused('EQUIVOCATION')
    }
  }
}

interface Judgement {
  readonly status: 'taken' | 'known' | 'waits' | 'refused'
  readonly code: EditRefusal
  readonly spoilt: boolean
}

const NOTHING = { code: 'CRDT_REFUSED', spoilt: false } as const
/** No actor of anybody: a replica writes nothing. */
const READER = 'ff'
/** Stands for a change that is not even looked into. */
const TOO_LARGE_HEADER = { hash: '', actor: '', seq: 0, startOp: Number.MAX_SAFE_INTEGER, deps: [], ops: 0 } as const
const NODE_ACTOR_DIGITS = 80

function refused(code: EditRefusal): Judgement {
  return { status: 'refused', code, spoilt: false }
}

function isNodeActor(actor: string): boolean {
  return actor.length === NODE_ACTOR_DIGITS
}

/** Of a laptop that speaks through another node: only that one can sign for it. */
function isOthers(actor: string, { key }: Speaker): boolean {
  return isLaptopActor(actor) && !actor.startsWith(key)
}

function hiddenCode(reason: HiddenReason): EditRefusal {
  return reason === 'author' ? 'AUTHOR_REFUSED' : 'ENTRY_INVALID'
}

function refusalOf(code: EditRefusal, rest: readonly Fresh[]): RefusedEdit {
  const own = rest.filter(({ header: { hash, actor } }) => hash !== '' && !isNodeActor(actor))
  return { code, reason: REASONS[code], drafts: own.flatMap(({ bytes }) => draftsOf(bytes)) }
}

/** What the store alone could find, as a refusal. @returns no drafts: they are in entries, which the laptop has */
export function refusedEdit(code: EditRefusal): RefusedEdit {
  return { code, reason: REASONS[code], drafts: [] }
}

function draftsOf(change: Uint8Array): string[] {
  try {
    return draftsIn(change)
  } catch {
    return [] // a header that can be read, and a body that the CRDT cannot: there are no words in it
  }
}

function read(bytes: Uint8Array) {
  try {
    const message = readSyncMessage(bytes)
    return { ...message, chunks: message.chunks.flatMap(chunksIn) }
  } catch (cause) {
    throw new SyncFault(`not a sync message: ${String((cause as Error).message).slice(0, 200)}`, { cause })
  }
}

/** What a client sends first may be its whole document in one chunk. */
function changesOf(chunk: Uint8Array): Uint8Array[] {
  if (!isDocumentChunk(chunk)) return [Uint8Array.from(chunk)]
  try {
    inspectDocument(chunk, LAPTOP_DOCUMENT_BOUNDS)
    return changesIn(chunk)
  } catch (cause) {
    throw new SyncFault(`not a document: ${(cause as Error).message}`, { cause })
  }
}

function inspected(bytes: Uint8Array) {
  try {
    return inspectChange(bytes)
  } catch (cause) {
    if (!(cause instanceof ProtocolError)) throw cause
    throw new SyncFault(cause.message, { cause })
  }
}
