import {
  bindEnvelope,
  type DocumentBounds,
  decodeSnapshot,
  inspectChange,
  inspectDocument,
  MAX_SNAPSHOT_BYTES,
  MAX_VECTOR_ACTORS,
  type MeshId,
  type PeerId,
  ProtocolError,
  type ThreadId,
  verifyEnvelope,
} from '@bzzz/protocols'
import { changesIn, genesisChange } from '../document.ts'
import { History } from '../history.ts'
import { plainTexts } from '../plain-append.ts'
import { stand, summaryOf, type ThreadSummary, untouched } from '../summary.ts'
import type { ViewedEntry } from '../view.ts'
import { Words } from '../words.ts'

/** A thread of ten thousand entries has some ten megabytes of texts; the operations of thirty such threads. */
const BOUNDS: DocumentBounds = { chunkBytes: MAX_SNAPSHOT_BYTES, bytes: 64 * 1024 * 1024, rows: 300_000 }

export type SignedChange = ReturnType<typeof bindEnvelope>

/** A snapshot whose changes keep the rules of a thread; their signatures are still to be checked. */
export interface OpenedSnapshot {
  /** Causes before effects. */
  readonly changes: readonly SignedChange[]
  readonly authors: readonly PeerId[]
  /** As the thread will show them. */
  readonly entries: readonly ViewedEntry[]
  readonly summary: ThreadSummary
}

/**
 * For a worker: it blocks for as long as loading the thread takes, and what is hostile may block for ever.
 * @throws {ProtocolError} or whatever the CRDT throws
 */
export function openSnapshot(mesh: MeshId, thread: ThreadId, bytes: Uint8Array): OpenedSnapshot {
  const { document, signatures } = decodeSnapshot(mesh, thread, bytes)
  inspectDocument(document, BOUNDS)
  const [genesis, ...rest] = changesIn(document)
  const { hash } = inspectChange(genesisChange(thread))
  if (genesis === undefined || inspectChange(genesis).hash !== hash) throw bad('it does not begin as the thread does')
  if (rest.length !== signatures.length) throw bad('not as many signatures as changes')
  const history = new History(hash, MAX_VECTOR_ACTORS)
  const words = new Words(thread)
  const changes = rest.map((change, i) => {
    const signed = bindEnvelope(mesh, thread, change, signatures[i] ?? new Uint8Array())
    place(history, words, signed)
    return signed
  })
  const entries = words.entries()
  const size = changes.reduce((sum, { bytes }) => sum + bytes.length, 0)
  const archived = history.heads.every((head) => words.archives(head))
  const totals = { entries: entries.length, archived, bytes: size, storedBytes: size }
  const summary = summaryOf(thread, entries.reduce(stand, untouched), totals)
  return { changes, authors: [...new Set(changes.map(({ author }) => author))], entries, summary }
}

/** @throws {ProtocolError} BAD_SIGNATURE */
export function verifyChanges(mesh: MeshId, changes: readonly SignedChange[]): void {
  for (const change of changes) verifyEnvelope(mesh, change)
}

function place(history: History, words: Words, { header, author, change }: SignedChange): void {
  const placement = history.place(header)
  if (placement.status !== 'next') throw bad(`change ${header.hash.slice(0, 12)} has no place (${placement.status})`)
  const entryOp = history.at(header.actor, header.seq - 1)?.lastOp ?? 0
  const texts = plainTexts(change, { ...placement.change, entryOp })
  if (texts === undefined) throw bad(`change ${header.hash.slice(0, 12)} is no plain append`)
  history.add(placement.change)
  words.add(placement.change, author, texts)
}

function bad(reason: string): ProtocolError {
  return new ProtocolError('BAD_CHANGE', `snapshot: ${reason}`)
}
