import { createHash } from 'node:crypto'
import { equalBytes, type ThreadId } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { nameOf, type ThreadView } from './view.ts'
import { namedHeads } from './whole-view.ts'

const HASH_BYTES = 32
const COUNT_BYTES = 4
const NAME_BYTES = 8
// Of two hundred parts of ten thousand entries, or of a thread of as many and as short parts as there can be.
const MAX_KEPT_BYTES = 16 * 1024 * 1024
// The digest, and what keeps it all together.
const BASE_BYTES = 512

/** What has to be known of a part that others follow, without reading it: as of one state of its log. */
export interface PartNotes {
  /** Hash of the vector of that state. */
  readonly digest: Uint8Array
  readonly heads: readonly string[]
  /** Heads of the parts before it that its entries say they go on from. */
  readonly named: readonly string[]
  /** The names of all its entries, by eight bytes of their hash each, ascending. */
  readonly names: Uint8Array
}

export function notesOf(view: Pick<ThreadView, 'entries' | 'heads'>, digest: Uint8Array): PartNotes {
  const hashes = BigUint64Array.from(view.entries, (viewed) => hashOf(nameOf(viewed))).sort()
  const names = Buffer.alloc(hashes.length * NAME_BYTES)
  for (const [i, hash] of hashes.entries()) names.writeBigUInt64BE(hash, i * NAME_BYTES)
  return { digest, heads: view.heads, named: [...namedHeads(view.entries)], names }
}

/** @returns true, too, for a name that shares its hash with one of them. Searched in place: a set would take ten times the room. */
export function mayHave({ names }: PartNotes, name: string): boolean {
  const view = new DataView(names.buffer, names.byteOffset, names.byteLength)
  const wanted = hashOf(name)
  let [low, high] = [0, names.length / NAME_BYTES]
  while (low < high) {
    const middle = (low + high) >>> 1
    const found = view.getBigUint64(middle * NAME_BYTES)
    if (found === wanted) return true
    if (found < wanted) low = middle + 1
    else high = middle
  }
  return false
}

function hashOf(name: string): bigint {
  return createHash('sha256').update(name).digest().readBigUInt64BE()
}

/**
 * `d/<document>`: notes on the parts that are no longer the newest, so that nothing is said twice and no part has to be read
 * for it. Made again when the log has gone on since; a row that is lost costs that much.
 */
export class KeptNotes {
  readonly #room: Pick<Room, 'get'>
  readonly #write: (operations: readonly Operation[]) => Promise<void>
  /** Least recently used first. */
  readonly #kept = new Map<ThreadId, PartNotes>()
  #bytes = 0

  constructor(room: Pick<Room, 'get'>, write: (operations: readonly Operation[]) => Promise<void>) {
    this.#room = room
    this.#write = write
  }

  /** Undefined unless they are of the state with this digest. */
  async get(document: ThreadId, digest: Uint8Array): Promise<PartNotes | undefined> {
    const notes = this.#kept.get(document) ?? readRow(await this.#room.get(`d/${document}`))
    if (notes === undefined || !equalBytes(notes.digest, digest)) return undefined
    this.#keep(document, notes)
    return notes
  }

  async put(document: ThreadId, notes: PartNotes): Promise<void> {
    await this.#write([{ put: `d/${document}`, value: rowOf(notes) }])
    this.#keep(document, notes)
  }

  #keep(document: ThreadId, notes: PartNotes): void {
    this.#forget(document)
    this.#kept.set(document, notes)
    this.#bytes += bytesOf(notes)
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= MAX_KEPT_BYTES || oldest === document) return
      this.#forget(oldest)
    }
  }

  #forget(document: ThreadId): void {
    const notes = this.#kept.get(document)
    if (notes !== undefined) this.#bytes -= bytesOf(notes)
    this.#kept.delete(document)
  }
}

function bytesOf({ heads, named, names }: PartNotes): number {
  return BASE_BYTES + names.length + (heads.length + named.length) * HASH_BYTES * 2
}

/** The digest, how many heads and named heads there are, those, then the names. */
export function rowOf({ digest, heads, named, names }: PartNotes): Uint8Array {
  const counts = Buffer.alloc(2 * COUNT_BYTES)
  counts.writeUInt32BE(heads.length)
  counts.writeUInt32BE(named.length, COUNT_BYTES)
  return Buffer.concat([digest, counts, Buffer.from([...heads, ...named].join(''), 'hex'), names])
}

function readRow(row: Uint8Array | undefined): PartNotes | undefined {
  if (row === undefined) return undefined
  const counts = new DataView(row.buffer, row.byteOffset + HASH_BYTES, 2 * COUNT_BYTES)
  const heads = HASH_BYTES + 2 * COUNT_BYTES
  const named = heads + counts.getUint32(0) * HASH_BYTES
  const names = named + counts.getUint32(COUNT_BYTES) * HASH_BYTES
  return {
    digest: row.subarray(0, HASH_BYTES),
    heads: hashesIn(row.subarray(heads, named)),
    named: hashesIn(row.subarray(named, names)),
    names: row.subarray(names),
  }
}

function hashesIn(bytes: Uint8Array): string[] {
  const count = bytes.length / HASH_BYTES
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)).toString('hex'),
  )
}
