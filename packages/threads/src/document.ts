import * as Automerge from '@automerge/automerge'
import type { ThreadId } from '@bzzz/protocols'
import { headroom } from './headroom.ts'

/**
 * The Automerge document of a thread, and, but for what compares and makes room, the only file that knows the library:
 * `{ v: 1, id, log: { '<actor>/<page>': [entry, …] } }`.
 *
 * - An entry is JSON in an immutable string: in a collaborative string each character is an operation.
 * - A page has one writer, its actor: two actors who create one key lose one list in the merge.
 * - Pages hold 256 entries, since the cost of an append follows the size of the container it goes into.
 * - A change goes into one page, at its end. So it can be told from its count of operations how many entries it has.
 */
export type ThreadDocument = Automerge.Doc<{
  v: number
  id: Automerge.ImmutableString
  log: Record<string, Automerge.ImmutableString[]>
}>

export const PAGE_ENTRIES = 256

/** Operations of the genesis change: two values and one map. */
export const GENESIS_OPS = 3

/** Where an actor's next entry goes, after `count` entries of the same actor. */
export function placeOf(actor: string, count: number): { page: string; index: number; room: number } {
  const index = count % PAGE_ENTRIES
  return { page: `${actor}/${Math.floor(count / PAGE_ENTRIES)}`, index, room: PAGE_ENTRIES - index }
}

/** The first change of a thread: the same bytes on every node, from the id alone. It is never sent. */
export function genesisChange(thread: ThreadId): Uint8Array {
  const made = Automerge.change(Automerge.init<Draft>({ actor: '00' }), { time: 0 }, (draft) => {
    draft.v = 1
    draft.id = new Automerge.ImmutableString(thread)
    draft.log = {}
  })
  const change = Automerge.getLastLocalChange(made)
  Automerge.free(made)
  if (change === undefined) throw new Error('automerge made no genesis change')
  return change
}
type Draft = { -readonly [K in keyof ThreadDocument]: ThreadDocument[K] }

/**
 * One call for the whole history: change by change costs thirty times as much.
 * @param changes each after its causes @throws whatever the CRDT throws, wasm panics among it
 */
export function buildDocument(actor: string, changes: readonly Uint8Array[]): ThreadDocument {
  const document = Automerge.init<Draft>({ actor })
  const backend = Automerge.getBackend(document)
  withoutView(backend)
  const whole = Buffer.concat(changes)
  headroom.use(whole.length)
  backend.loadIncremental(whole)
  return document
}

/**
 * Applies changes that are known to be appends, each after its causes.
 * @throws whatever the CRDT throws; the document is spoilt then
 */
export function applyAppends(document: ThreadDocument, changes: readonly Uint8Array[]): void {
  for (const change of changes) headroom.use(change.length)
  Automerge.getBackend(document).applyChanges([...changes])
}

/**
 * The library keeps a JavaScript copy of a document and mends it with patches after each change, which doubles the cost of
 * a change and the memory of a thread. Nobody reads that copy here: entries are kept as what they say.
 */
function withoutView(backend: Backend): void {
  backend.resetDiffCursor()
}
type Backend = ReturnType<typeof Automerge.getBackend>

/** The document in one chunk, its history with it, in little room. */
export function saveDocument(document: ThreadDocument): Uint8Array {
  return Automerge.save(document)
}

/**
 * Every change of a saved document, each after its causes, always in the same order. For a worker: it takes as long as
 * loading it, and what is hostile may take for ever.
 * @throws whatever the CRDT throws
 */
export function changesIn(saved: Uint8Array): Uint8Array[] {
  const document = Automerge.load(saved)
  const changes = Automerge.getAllChanges(document)
  Automerge.free(document)
  return changes
}

/** Hashes of the changes that no other change follows, ascending. */
export function headsOf(document: ThreadDocument): string[] {
  return Automerge.getHeads(document).toSorted()
}

/** Gives the wasm memory back; the document must not be used again. */
export function freeDocument(document: ThreadDocument): void {
  Automerge.free(document)
}
