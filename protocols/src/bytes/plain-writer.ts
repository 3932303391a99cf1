import { NOT_PLAIN } from './plain.ts'

// As deep as the reader goes.
const MAX_DEPTH = 32
const FIRST_BYTES = 512
const MOST_OF_A_HEAD = 9
// A shorter text is written sooner than the call that writes a longer one is made.
const SHORT = 32

class NotPlain extends Error {}
// One for all: a stack would cost more than the writing.
const OTHERWISE = new NotPlain('not of plain kinds')

/**
 * Writes what {@link readPlain} reads, in the deterministic form: map keys in the order of their encoded bytes. Members
 * that are `undefined` are left out.
 * @returns {@link NOT_PLAIN} for a value that holds anything else
 */
export function writePlain(value: unknown): Uint8Array | typeof NOT_PLAIN {
  const writer = new PlainWriter()
  try {
    writer.value(value, 0)
    return writer.bytes()
  } catch (error) {
    if (error instanceof NotPlain) return NOT_PLAIN
    throw error
  }
}

class PlainWriter {
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #at = 0

  bytes(): Uint8Array {
    return new Uint8Array(this.#bytes.subarray(0, this.#at))
  }

  value(value: unknown, depth: number): void {
    if (typeof value === 'string') this.#text(value)
    else if (typeof value === 'number') this.#integer(value)
    else if (typeof value === 'bigint') this.#wide(value)
    else if (typeof value === 'boolean') this.#byte(value ? 0xf5 : 0xf4)
    else if (value === null) this.#byte(0xf6)
    else if (typeof value === 'object' && depth <= MAX_DEPTH) this.#object(value, depth)
    else throw OTHERWISE
  }

  #object(value: object, depth: number): void {
    if (value instanceof Uint8Array) this.#blob(value)
    else if (Array.isArray(value)) this.#list(value, depth)
    else if (isRecord(value)) this.#map(value, depth)
    else throw OTHERWISE
  }

  #room(length: number): void {
    if (this.#at + length <= this.#bytes.length) return
    const longer = Buffer.allocUnsafe(2 * (this.#at + length))
    this.#bytes.copy(longer, 0, 0, this.#at)
    this.#bytes = longer
  }

  #byte(byte: number): void {
    this.#room(1)
    this.#bytes[this.#at++] = byte
  }

  /** In the shortest form that holds it. @param argument not negative, safe */
  #head(kind: number, argument: number): void {
    this.#room(MOST_OF_A_HEAD)
    if (argument < 24) {
      this.#bytes[this.#at++] = (kind << 5) | argument
      return
    }
    const wider = argument < 2 ** 8 ? 0 : argument < 2 ** 16 ? 1 : argument < 2 ** 32 ? 2 : 3
    this.#bytes[this.#at++] = (kind << 5) | (24 + wider)
    if (wider === 3) this.#at = this.#bytes.writeBigUInt64BE(BigInt(argument), this.#at)
    else this.#at = this.#bytes.writeUIntBE(argument, this.#at, 1 << wider)
  }

  #integer(value: number): void {
    if (!Number.isSafeInteger(value)) throw OTHERWISE
    if (value < 0) this.#head(1, -1 - value)
    else this.#head(0, value)
  }

  #wide(value: bigint): void {
    if (value < 0n || value >= 2n ** 64n) throw OTHERWISE
    if (value <= BigInt(Number.MAX_SAFE_INTEGER)) {
      this.#head(0, Number(value))
      return
    }
    this.#room(MOST_OF_A_HEAD)
    this.#bytes[this.#at++] = 27
    this.#at = this.#bytes.writeBigUInt64BE(value, this.#at)
  }

  #blob(value: Uint8Array): void {
    this.#head(2, value.length)
    this.#room(value.length)
    this.#bytes.set(value, this.#at)
    this.#at += value.length
  }

  #text(value: string): void {
    if (isAscii(value)) this.#latin(value)
    else if (value.isWellFormed()) this.#utf8(value)
    else throw OTHERWISE
  }

  #utf8(value: string): void {
    const length = Buffer.byteLength(value)
    this.#head(3, length)
    this.#room(length)
    this.#at += this.#bytes.write(value, this.#at, 'utf8')
  }

  #latin(value: string): void {
    this.#head(3, value.length)
    this.#room(value.length)
    if (value.length < SHORT) for (let i = 0; i < value.length; i++) this.#bytes[this.#at++] = value.charCodeAt(i)
    else this.#at += this.#bytes.write(value, this.#at, 'latin1')
  }

  #list(list: readonly unknown[], depth: number): void {
    this.#head(4, list.length)
    for (const member of list) this.value(member, depth + 1)
  }

  #map(map: Readonly<Record<string, unknown>>, depth: number): void {
    const keys = Object.keys(map).filter((key) => map[key] !== undefined)
    this.#head(5, keys.length)
    for (const key of keys.sort(inOrder)) {
      if (!isAscii(key)) throw OTHERWISE
      this.#latin(key)
      this.value(map[key], depth + 1)
    }
  }
}

/** Of ASCII keys in their encoded form: a shorter one has a smaller head. */
function inOrder(one: string, other: string): number {
  return one.length - other.length || (one < other ? -1 : 1)
}

function isRecord(value: object): value is Record<string, unknown> {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false
  return true
}
