import * as Automerge from '@automerge/automerge'
import type { ThreadDocument } from './document.ts'
import { checkClaims } from './sync-claims.ts'

/**
 * Automerge's pairwise protocol, as stock clients speak it. What a message says about its sender is apart from the changes
 * in it: those are looked at one by one, and the library never applies them by itself.
 */
export type SyncState = Automerge.SyncState

export interface SyncMessage {
  /** Of the sender's document. */
  readonly heads: readonly string[]
  /** Change chunks and document chunks, unseen. */
  readonly chunks: readonly Uint8Array[]
  /** The message without them. */
  readonly rest: Uint8Array
}

export function newSyncState(): SyncState {
  return Automerge.initSyncState()
}

/** @throws whatever the CRDT throws on what is no sync message, or what is wrong with what it says of its sender */
export function readSyncMessage(bytes: Uint8Array): SyncMessage {
  const message = Automerge.decodeSyncMessage(bytes)
  checkClaims(message)
  const rest = Automerge.encodeSyncMessage({ ...message, changes: [] })
  return { heads: message.heads, chunks: message.changes, rest }
}

/** @param rest of a message whose changes are in the document, or will never be */
export function takeSyncMessage(
  document: ThreadDocument,
  state: SyncState,
  rest: Uint8Array,
): { document: ThreadDocument; state: SyncState } {
  const backend = Automerge.getBackend(document)
  backend.updateDiffCursor() // else the library would patch a view of the whole document, which nobody reads
  const [next, after] = Automerge.receiveSyncMessage(document, state, rest)
  backend.resetDiffCursor()
  return { document: next, state: after }
}

/** @returns no message when the other side needs none */
export function nextSyncMessage(
  document: ThreadDocument,
  state: SyncState,
): { state: SyncState; message: Uint8Array | undefined } {
  const [after, message] = Automerge.generateSyncMessage(document, state)
  return { state: after, message: message ?? undefined }
}

// As much as an entry may have; nobody types more into one edit.
const MAX_DRAFT_CHARS = 128 * 1024

/**
 * What somebody wrote in a change that is refused, so that it is not lost with it.
 * @param change inspected: its operations are bounded
 */
export function draftsIn(change: Uint8Array): string[] {
  const typed = new Map<string, string[]>()
  for (const { obj, value } of Automerge.decodeChange(change).ops) {
    if (typeof value === 'string') typed.set(obj, [...(typed.get(obj) ?? []), value])
  }
  const drafts = [...typed.values()].flatMap((texts) => (texts.every(isLetter) ? [texts.join('')] : texts))
  let chars = 0
  return drafts.filter((text) => {
    chars += text.length
    return chars <= MAX_DRAFT_CHARS
  })
}

/** One operation of a collaborative string. */
function isLetter(text: string): boolean {
  return [...text].length === 1
}

export function saveDocument(document: ThreadDocument): Uint8Array {
  return Automerge.save(document)
}
