import { inflateRawSync } from 'node:zlib'
import { ProtocolError } from '../bytes/errors.ts'

/** Reads the parts of Automerge's chunks. Source: Automerge binary format specification. Refusals are BAD_CHANGE. */

const COLUMN_VALUE_BYTES = 7
const COLUMN_BOOLEAN = 4
const COLUMN_STRING = 5

/** Rows that a column expands to; refused above `maxRows` without expanding them. */
export function countRows(column: Reader, type: number, maxRows: number): number {
  let rows = 0
  if (type === COLUMN_VALUE_BYTES) return rows
  while (!column.atEnd) {
    rows += type === COLUMN_BOOLEAN ? column.uleb() : runLength(column, type)
    if (rows > maxRows) refuse('more than the bound of operations')
  }
  return rows
}

/** Run-length encoding: n > 0 repeats one value, 0 counts nulls, n < 0 lists -n values. */
function runLength(column: Reader, type: number): number {
  const run = column.sleb()
  if (run === 0) return column.uleb()
  if (-run > column.remaining) refuse('run length')
  for (let left = run > 0 ? 1 : -run; left > 0; left--) {
    if (type === COLUMN_STRING) column.take(column.uleb())
    else column.skipLeb()
  }
  return Math.abs(run)
}

export class Reader {
  readonly #bytes: Buffer
  #at: number

  constructor(bytes: Buffer, at = 0) {
    this.#bytes = bytes
    this.#at = at
  }

  /** How many bytes were read. */
  get at(): number {
    return this.#at
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  get remaining(): number {
    return this.#bytes.length - this.#at
  }

  byte(): number {
    const byte = this.#bytes[this.#at++]
    return byte === undefined ? refuse('end of bytes') : byte
  }

  take(length: number): Buffer {
    if (length > this.remaining) refuse('end of bytes')
    const part = this.#bytes.subarray(this.#at, this.#at + length)
    this.#at += length
    return part
  }

  /** Unsigned LEB128, at most 8 bytes, in its shortest form: the CRDT would write another one as other bytes. */
  uleb(): number {
    let value = 0
    for (let i = 0, unit = 1; i < 8; i++, unit *= 128) {
      const byte = this.byte()
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return byte === 0 && i > 0 ? refuse('number') : value
    }
    return refuse('number')
  }

  /** Signed LEB128, at most 10 bytes, likewise in its shortest form. */
  skipSigned(): void {
    let before = 0
    for (let i = 0; i < 10; i++) {
      const byte = this.byte()
      const isSpare = i > 0 && byte === ((before & 0x40) === 0 ? 0 : 0x7f)
      if (byte < 0x80 && isSpare) refuse('number')
      if (byte < 0x80) return
      before = byte
    }
    refuse('number')
  }

  /** Signed LEB128, at most 8 bytes. */
  sleb(): number {
    let value = 0
    for (let i = 0, unit = 1; i < 8; i++, unit *= 128) {
      const byte = this.byte()
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - unit * 128
    }
    return refuse('number')
  }

  skipLeb(): void {
    for (let i = 0; i < 10; i++) if (this.byte() < 0x80) return
    refuse('number')
  }

  bounded(what: string, max: number): number {
    const value = this.uleb()
    return value > max ? refuse(what) : value
  }
}

export function refuse(what: string): never {
  throw new ProtocolError('BAD_CHANGE', `change: ${what}`)
}

export const COLUMN_DEFLATED_BIT = 8

/** The table of columns that stands before them. */
export function columnsOf(reader: Reader, most: number): { spec: number; bytes: number }[] {
  const count = reader.bounded('columns', most)
  return Array.from({ length: count }, () => ({ spec: reader.uleb(), bytes: reader.uleb() }))
}

/** @throws {ProtocolError} BAD_CHANGE */
export function inflated(bytes: Uint8Array, maxOutputLength: number): Buffer {
  try {
    return inflateRawSync(bytes, { maxOutputLength: Math.max(1, maxOutputLength) })
  } catch (cause) {
    throw new ProtocolError('BAD_CHANGE', 'deflated beyond its bound, or not DEFLATE', { cause })
  }
}
