import { inflateRawSync } from 'node:zlib'
import { ProtocolError } from '../bytes/errors.ts'
import { countRows, Reader, refuse } from './columns.ts'

/**
 * Bounds on a document chunk, read before the CRDT sees it: a few kilobytes can hold millions of operations, each of which
 * takes it memory and time. Source: Automerge binary format specification, "Document Chunk".
 */
export const MAX_DOCUMENT_CHUNK_BYTES = 8 * 1024 * 1024
/** A thread of a hundred thousand entries has so many; a change or an operation is a row. */
const MAX_ROWS = 200_000
// Longer than any column of so many rows and of all the text that may stand in them.
const MAX_COLUMN_BYTES = 64 * 1024 * 1024
const MAX_ACTORS = 8_192
const MAX_HEADS = 4_096
const MAX_COLUMNS = 64
const MAX_ACTOR_BYTES = 256

const MAGIC = 0x856f4a83
const TYPE_AT = 8
const LENGTH_AT = 9
const DOCUMENT_CHUNK = 0
const COLUMN_DEFLATED_BIT = 8

export function isDocumentChunk(chunk: Uint8Array): boolean {
  return chunk[TYPE_AT] === DOCUMENT_CHUNK
}

/** @throws {ProtocolError} BAD_CHANGE with the first bound that is broken */
export function inspectDocument(chunk: Uint8Array): void {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (bytes.length < 12 || bytes.length > MAX_DOCUMENT_CHUNK_BYTES) refuse('size of a document')
  if (bytes.readUInt32BE(0) !== MAGIC || !isDocumentChunk(bytes)) refuse('magic of a document')
  const outer = new Reader(bytes, LENGTH_AT)
  const reader = new Reader(outer.take(outer.uleb()))
  if (!outer.atEnd) refuse('bytes after the document')
  const actors = reader.bounded('actors', MAX_ACTORS)
  for (let i = 0; i < actors; i++) reader.take(reader.bounded('actor', MAX_ACTOR_BYTES))
  reader.take(32 * reader.bounded('heads', MAX_HEADS))
  const columns = [...columnsOf(reader), ...columnsOf(reader)]
  let left = MAX_COLUMN_BYTES
  for (const { spec, length } of columns) {
    const column = inflated(reader.take(length), spec, left)
    left -= column.length
    countRows(new Reader(column), spec & 7, MAX_ROWS)
  }
}

function columnsOf(reader: Reader): { spec: number; length: number }[] {
  const count = reader.bounded('columns', MAX_COLUMNS)
  return Array.from({ length: count }, () => ({ spec: reader.uleb(), length: reader.uleb() }))
}

function inflated(column: Buffer, spec: number, maxOutputLength: number): Buffer {
  if ((spec & COLUMN_DEFLATED_BIT) === 0) return column
  try {
    return inflateRawSync(column, { maxOutputLength })
  } catch (cause) {
    throw new ProtocolError('BAD_CHANGE', 'document: deflated beyond its bound, or not DEFLATE', { cause })
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
