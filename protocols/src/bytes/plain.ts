import { isUtf8 } from 'node:buffer'

/** The bytes are not of {@link readPlain}'s kind; they may still be deterministic CBOR, of something rarer. */
export const NOT_PLAIN: unique symbol = Symbol('not plain')

// Far above every format: a list in a list in a list exhausts no stack.
const MAX_DEPTH = 32

class NotPlain extends Error {}
// One for all: a stack would cost more than the reading.
const OTHERWISE = new NotPlain('not plain CBOR in its deterministic form')

/**
 * Reads deterministic CBOR of what nearly all formats are made of (integers, bytes, text, lists, maps with text keys,
 * booleans and null), refusing every other form as it goes: nothing has to be encoded again to prove that these are the
 * only bytes of the value, which is most of the cost of reading a ledger.
 * @returns the value that these bytes alone encode, or {@link NOT_PLAIN}
 */
export function readPlain(bytes: Uint8Array): unknown {
  const reader = new PlainReader(bytes)
  try {
    const value = reader.value(0)
    return reader.isAtEnd() ? value : NOT_PLAIN
  } catch (error) {
    if (error instanceof NotPlain) return NOT_PLAIN
    throw error
  }
}

class PlainReader {
  readonly #bytes: Buffer
  #at = 0

  constructor({ buffer, byteOffset, byteLength }: Uint8Array) {
    this.#bytes = Buffer.from(buffer, byteOffset, byteLength)
  }

  isAtEnd(): boolean {
    return this.#at === this.#bytes.length
  }

  value(depth: number): unknown {
    const head = this.#next()
    if (depth > MAX_DEPTH) throw OTHERWISE
    switch (head >> 5) {
      case 0:
        return this.#argument(head)
      case 1:
        return this.#negative(head)
      case 2:
        return this.#blob(this.#length(head))
      case 3:
        return this.#text(this.#length(head))
      case 4:
        return this.#list(this.#length(head), depth)
      case 5:
        return this.#map(this.#length(head), depth)
      default:
        return simple(head)
    }
  }

  #next(): number {
    const byte = this.#bytes[this.#at++]
    if (byte === undefined) throw OTHERWISE
    return byte
  }

  /** In the shortest form that holds it. */
  #argument(head: number): number | bigint {
    const low = head & 31
    if (low < 24) return low
    if (low > 27) throw OTHERWISE
    const width = 1 << (low - 24)
    const at = this.#skip(width)
    if (width === 8) return wide(this.#bytes.readBigUInt64BE(at))
    const value = this.#bytes.readUIntBE(at, width)
    if (value < (width === 1 ? 24 : 2 ** (width * 4))) throw OTHERWISE
    return value
  }

  /** Of those that a double holds. */
  #negative(head: number): number {
    const value = this.#argument(head)
    if (typeof value === 'bigint' || value >= Number.MAX_SAFE_INTEGER) throw OTHERWISE
    return -1 - value
  }

  /** Of bytes, or of members, which have at least a byte each. */
  #length(head: number): number {
    const length = this.#argument(head)
    if (typeof length === 'bigint' || length > this.#bytes.length - this.#at) throw OTHERWISE
    return length
  }

  #skip(length: number): number {
    const at = this.#at
    this.#at += length
    if (this.#at > this.#bytes.length) throw OTHERWISE
    return at
  }

  #blob(length: number): Uint8Array {
    const at = this.#skip(length)
    return new Uint8Array(this.#bytes.subarray(at, at + length))
  }

  #text(length: number): string {
    const at = this.#skip(length)
    const end = at + length
    if (this.#isAscii(at, end)) return this.#bytes.toString('latin1', at, end)
    if (!isUtf8(this.#bytes.subarray(at, end))) throw OTHERWISE
    return this.#bytes.toString('utf8', at, end)
  }

  #isAscii(at: number, end: number): boolean {
    for (let i = at; i < end; i++) if ((this.#bytes[i] ?? 128) > 127) return false
    return true
  }

  /** Of keys in their encoded form: so each is there once. Their heads tell most of them apart. */
  #ascends(before: { readonly at: number; readonly end: number }, at: number): boolean {
    const one = this.#bytes[before.at] ?? 0
    const other = this.#bytes[at] ?? 0
    if (before.end === 0 || one !== other) return before.end === 0 || one < other
    return this.#bytes.compare(this.#bytes, before.at, before.end, at, this.#at) > 0
  }

  #list(length: number, depth: number): unknown[] {
    const list: unknown[] = []
    for (let i = 0; i < length; i++) list.push(this.value(depth + 1))
    return list
  }

  #map(length: number, depth: number): Record<string, unknown> {
    const map: Record<string, unknown> = {}
    let before = { at: 0, end: 0 }
    for (let i = 0; i < length; i++) {
      const at = this.#at
      const head = this.#next()
      if (head >> 5 !== 3) throw OTHERWISE
      const key = this.#text(this.#length(head))
      // A plain assignment to `__proto__` would make no member.
      if (!this.#ascends(before, at) || key === '__proto__') throw OTHERWISE
      before = { at, end: this.#at }
      map[key] = this.value(depth + 1)
    }
    return map
  }
}

function wide(value: bigint): number | bigint {
  if (value <= 0xffff_ffffn) throw OTHERWISE
  return value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

function simple(head: number): boolean | null {
  if (head === 0xf4) return false
  if (head === 0xf5) return true
  if (head === 0xf6) return null
  throw OTHERWISE
}
