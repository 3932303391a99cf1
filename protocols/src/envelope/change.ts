import { createHash } from 'node:crypto'
import { COLUMN_DEFLATED_BIT, columnsOf, countRows, inflated, Reader, refuse } from './columns.ts'

/**
 * Reads the header of an Automerge change chunk in plain JavaScript, before the CRDT sees it: a 154-byte chunk can expand
 * to a million operations and hold the event loop for seconds, so bounds are checked on the run lengths, unexpanded.
 * Source: Automerge binary format specification, "Chunk Container" and "Change Chunk".
 */
export interface ChangeHeader {
  /** SHA-256 of the uncompressed chunk from its type byte on, hexadecimal: the change's identity. */
  readonly hash: string
  /** Hexadecimal. */
  readonly actor: string
  /** From 1, without gaps per actor. */
  readonly seq: number
  readonly startOp: number
  /** Hashes of the changes that this one follows. */
  readonly deps: readonly string[]
  /** Operations in the change, counted without expanding them. */
  readonly ops: number
}

export const MAX_CHANGE_BYTES = 256 * 1024
const MAX_INFLATED_BYTES = 1024 * 1024
// An append follows every head, and each of 64 members can have a few: an actor lost with a restored backup leaves its own.
export const MAX_DEPS = 256
const MAX_OTHER_ACTORS = 64
const MAX_OPS = 5_000
const MAX_COLUMNS = 32
const MAX_MESSAGE_BYTES = 1024
const MAX_START_OP = 2 ** 40

const MAGIC = 0x856f4a83
const CHUNK_CHANGE = 1
const CHUNK_DEFLATED_CHANGE = 2
const CHECKSUM_AT = 4
const TYPE_AT = 8
const LENGTH_AT = 9
const HASH_BYTES = 32

const ACTION_COLUMN = 66

/** @throws {ProtocolError} BAD_CHANGE with the first bound or rule that is broken */
export function inspectChange(chunk: Uint8Array): ChangeHeader {
  const body = uncompressedBody(chunk)
  const hash = createHash('sha256')
    .update(Uint8Array.from([CHUNK_CHANGE, ...ulebBytes(body.length)]))
    .update(body)
    .digest()
  if (!hash.subarray(0, 4).equals(Buffer.from(chunk.subarray(CHECKSUM_AT, TYPE_AT)))) refuse('checksum')

  const reader = new Reader(body)
  const deps = Array.from({ length: reader.bounded('dependencies', MAX_DEPS) }, () =>
    reader.take(HASH_BYTES).toString('hex'),
  )
  const actor = reader.take(reader.uleb()).toString('hex')
  const seq = reader.uleb()
  const startOp = reader.uleb()
  if (seq < 1 || startOp < 1 || startOp > MAX_START_OP) refuse('sequence number or start operation')
  reader.skipSigned() // time
  reader.take(reader.bounded('message', MAX_MESSAGE_BYTES))
  const others = reader.bounded('other actors', MAX_OTHER_ACTORS)
  for (let i = 0; i < others; i++) reader.take(reader.uleb())
  return { hash: hash.toString('hex'), actor, seq, startOp, deps, ops: countOperations(reader) }
}

/**
 * What of a change's uncompressed body comes behind the parts that say where it stands: the table of other actors, the table
 * of columns, the columns.
 * @param chunk one that {@link inspectChange} has taken @throws {ProtocolError} BAD_CHANGE
 */
export function operationsOf(chunk: Uint8Array): Uint8Array {
  const reader = new Reader(uncompressedBody(chunk))
  reader.take(reader.bounded('dependencies', MAX_DEPS) * HASH_BYTES)
  reader.take(reader.uleb()) // actor
  reader.uleb() // sequence number
  reader.uleb() // start operation
  reader.skipSigned() // time
  reader.take(reader.bounded('message', MAX_MESSAGE_BYTES))
  return reader.take(reader.remaining)
}

function uncompressedBody(chunk: Uint8Array): Buffer {
  const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
  if (bytes.length < 12 || bytes.length > MAX_CHANGE_BYTES) refuse('size')
  if (bytes.readUInt32BE(0) !== MAGIC) refuse('magic')
  const type = bytes[TYPE_AT]
  if (type !== CHUNK_CHANGE && type !== CHUNK_DEFLATED_CHANGE) refuse('chunk type')
  const reader = new Reader(bytes, LENGTH_AT)
  const body = reader.take(reader.uleb())
  if (!reader.atEnd) refuse('bytes after the chunk')
  return type === CHUNK_CHANGE ? body : inflated(body, MAX_INFLATED_BYTES)
}

function countOperations(reader: Reader): number {
  let operations = 0
  for (const column of columnsOf(reader, MAX_COLUMNS)) {
    if ((column.spec & COLUMN_DEFLATED_BIT) !== 0) refuse('deflated column')
    const rows = countRows(new Reader(reader.take(column.bytes)), column.spec & 7, MAX_OPS)
    if (column.spec === ACTION_COLUMN) operations = rows
  }
  return operations
}

function* ulebBytes(value: number): Generator<number> {
  let left = value
  do {
    const low = left % 128
    left = Math.floor(left / 128)
    yield left === 0 ? low : low | 0x80
  } while (left > 0)
}
