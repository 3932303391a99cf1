import { createHash } from 'node:crypto'
import { equalBytes, type SeqVector, type ThreadId, vectorHash } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { nameOf, type ThreadView } from './view.ts'

const DIGEST_BYTES = 32
const NAME_BYTES = 8
// A part of ten thousand entries is 80 kB.
const MAX_KEPT = 128
const PUBLIC_KEY_DIGITS = 64

/** The names of all entries of one part, by eight bytes of their hash, as of one state of its log. */
export interface EntryNames {
  /** Of the vector of that state. */
  readonly all: Uint8Array
  /** Of what this node's own key wrote in it. */
  readonly own: Uint8Array
  /** Eight bytes each, ascending. */
  readonly names: Uint8Array
}

/** @returns true, too, for a name that shares its hash with one of them. Searched in place: a set would take ten times the room. */
export function mayHave({ names }: EntryNames, name: string): boolean {
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

export function namesOf(view: Pick<ThreadView, 'entries'>, vector: SeqVector, ownKey: string): EntryNames {
  const hashes = BigUint64Array.from(view.entries, (viewed) => hashOf(nameOf(viewed))).sort()
  const names = Buffer.alloc(hashes.length * NAME_BYTES)
  for (const [i, hash] of hashes.entries()) names.writeBigUInt64BE(hash, i * NAME_BYTES)
  return { all: vectorHash(vector), own: ownHash(vector, ownKey), names }
}

/** @param ownKey hexadecimal */
export function ownHash(vector: SeqVector, ownKey: string): Uint8Array {
  return vectorHash(new Map([...vector].filter(([actor]) => isOwn(actor, ownKey))))
}

export function isOwn(actor: string, ownKey: string): boolean {
  return actor.slice(0, PUBLIC_KEY_DIGITS) === ownKey
}

function hashOf(name: string): bigint {
  return createHash('sha256').update(name).digest().readBigUInt64BE()
}

/**
 * `d/<document>`: the names in the parts that are no longer the newest, so that nothing is said twice and no part has to be
 * read for it. Made again when the log has gone on since; a row that is lost costs that much.
 */
export class NamesIndex {
  readonly #room: Pick<Room, 'get'>
  readonly #write: (operations: readonly Operation[]) => Promise<void>
  /** Least recently used first. */
  readonly #kept = new Map<ThreadId, EntryNames>()

  constructor(room: Pick<Room, 'get'>, write: (operations: readonly Operation[]) => Promise<void>) {
    this.#room = room
    this.#write = write
  }

  /** As they were last made, in whatever state the log was then. */
  async get(document: ThreadId): Promise<EntryNames | undefined> {
    const names = this.#kept.get(document) ?? readRow(await this.#room.get(`d/${document}`))
    if (names !== undefined) this.#keep(document, names)
    return names
  }

  async put(document: ThreadId, names: EntryNames): Promise<void> {
    const known = this.#kept.get(document)
    if (known !== undefined && equalBytes(known.all, names.all)) return
    await this.#write([{ put: `d/${document}`, value: rowOf(names) }])
    this.#keep(document, names)
  }

  #keep(document: ThreadId, names: EntryNames): void {
    this.#kept.delete(document)
    this.#kept.set(document, names)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest)
  }
}

/** `all`, `own`, then the names. */
export function rowOf({ all, own, names }: EntryNames): Uint8Array {
  return Buffer.concat([all, own, names])
}

export function readRow(row: Uint8Array | undefined): EntryNames | undefined {
  if (row === undefined) return undefined
  const all = row.subarray(0, DIGEST_BYTES)
  const own = row.subarray(DIGEST_BYTES, 2 * DIGEST_BYTES)
  return { all, own, names: row.subarray(2 * DIGEST_BYTES) }
}
