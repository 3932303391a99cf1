import { encodeSnapshot, inspectChange, type MeshId, readEnvelope, type ThreadId } from '@bzzz/protocols'
import { buildDocument, changesIn, freeDocument, genesisChange, saveDocument } from '../document.ts'
import { openSnapshot } from './opened.ts'

/** Nobody writes with it: any actor that is in no log. */
const NOBODY = '01'

/**
 * The snapshot of a thread's whole log, looked at as one who gets it does. For a worker: it blocks as long as loading the
 * thread, twice.
 * @param log envelopes from our own disk, in any order
 * @throws if a reader could not take it
 */
export function makeSnapshot(mesh: MeshId, thread: ThreadId, log: readonly Uint8Array[]): Uint8Array {
  const envelopes = log
    .map((bytes) => readEnvelope(mesh, bytes))
    .toSorted((a, b) => a.header.startOp - b.header.startOp)
  const document = buildDocument(NOBODY, [genesisChange(thread), ...envelopes.map(({ change }) => change)])
  const saved = saveDocument(document)
  freeDocument(document)
  const signed = new Map(envelopes.map(({ header, sig }) => [header.hash, sig]))
  // about one in ten of hostile changes that the CRDT accepts makes a document that it cannot load again
  const [, ...changes] = changesIn(saved)
  const signatures = changes.flatMap((change) => signed.get(inspectChange(change).hash) ?? [])
  if (signatures.length !== envelopes.length) throw new Error('the saved document is not what its log makes')
  const snapshot = encodeSnapshot(mesh, thread, { document: saved, signatures })
  openSnapshot(mesh, thread, snapshot)
  return snapshot
}
