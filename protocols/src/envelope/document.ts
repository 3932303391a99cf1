import { COLUMN_DEFLATED_BIT, columnsOf, countRows, inflated, Reader, refuse } from './columns.ts'

/** What a document chunk may come to. */
export interface DocumentBounds {
  /** Of the chunk as it stands. */
  readonly chunkBytes: number
  /** Of all columns together, inflated. */
  readonly bytes: number
  /** Operations, and changes. */
  readonly rows: number
}

/** A thread of a hundred thousand entries, and all the text that may stand in it. */
export const LAPTOP_DOCUMENT_BOUNDS: DocumentBounds = {
  chunkBytes: 8 * 1024 * 1024,
  bytes: 64 * 1024 * 1024,
  rows: 200_000,
}
const MAX_ACTORS = 8_192
const MAX_HEADS = 4_096
const MAX_COLUMNS = 64
const MAX_ACTOR_BYTES = 256
const HASH_BYTES = 32

const MAGIC = 0x856f4a83
const TYPE_AT = 8
const LENGTH_AT = 9
const DOCUMENT_CHUNK = 0

export function isDocumentChunk(chunk: Uint8Array): boolean {
  return chunk[TYPE_AT] === DOCUMENT_CHUNK
}

/**
 * Looks at a document chunk (a whole history, as Automerge saves it) before the CRDT does: a few kilobytes can hold millions
 * of operations, each of which takes it memory and time, so nothing in it may inflate or expand beyond the bounds. Source:
 * Automerge binary format specification, "Document Chunk".
 * @throws {ProtocolError} BAD_CHANGE with the first bound that is broken
 */
export function inspectDocument(chunk: Uint8Array, { chunkBytes, bytes, rows }: DocumentBounds): void {
  const outer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (outer.length < 12 || outer.length > chunkBytes) refuse('size of a document')
  if (outer.readUInt32BE(0) !== MAGIC || !isDocumentChunk(outer)) refuse('magic of a document')
  const container = new Reader(outer, LENGTH_AT)
  const reader = new Reader(container.take(container.uleb()))
  if (!container.atEnd) refuse('bytes after the document')
  const actors = reader.bounded('actors', MAX_ACTORS)
  for (let i = 0; i < actors; i++) reader.take(reader.bounded('actor', MAX_ACTOR_BYTES))
  reader.take(HASH_BYTES * reader.bounded('heads', MAX_HEADS))
  let left = bytes
  for (const { spec, bytes: length } of [...columnsOf(reader, MAX_COLUMNS), ...columnsOf(reader, MAX_COLUMNS)]) {
    const stored = reader.take(length)
    const column = (spec & COLUMN_DEFLATED_BIT) === 0 ? stored : inflated(stored, left)
    left -= column.length
    countRows(new Reader(column), spec & 7, rows)
  }
}

// Far more than anybody writes between two sync messages.
const MAX_CHUNKS = 20_000

/** A client may send several chunks in a row as one. @throws {ProtocolError} BAD_CHANGE */
export function chunksIn(bytes: Uint8Array): Uint8Array[] {
  const reader = new Reader(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength))
  const chunks: Uint8Array[] = []
  while (!reader.atEnd) {
    if (chunks.length >= MAX_CHUNKS) refuse('number of chunks')
    const start = reader.at
    reader.take(LENGTH_AT)
    reader.take(reader.uleb())
    chunks.push(bytes.subarray(start, reader.at))
  }
  return chunks
}
