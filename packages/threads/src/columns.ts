/** Columns of an Automerge change as Automerge itself writes them. Source: its binary format specification, "Columns". */

/** Runs of equal values as (n, value), lists of others as (-n, values), nulls as (0, n). */
export function runs(values: readonly (number | null)[], write: (value: number) => number[]): number[] {
  const bytes: number[] = []
  for (let at = 0; at < values.length; ) {
    const value = values[at] ?? null
    const equal = lengthOfRun(values, at)
    if (value === null) bytes.push(0, ...uleb(equal))
    else if (equal > 1) bytes.push(...sleb(equal), ...write(value))
    const list = value === null || equal > 1 ? 0 : lengthOfList(values, at)
    if (list > 0) bytes.push(...sleb(-list), ...values.slice(at, at + list).flatMap((one) => write(one ?? 0)))
    at += Math.max(equal, list)
  }
  return bytes
}

/** The same of the differences between values; a null has none. */
export function deltas(values: readonly (number | null)[]): number[] {
  let before = 0
  const steps = values.map((value) => {
    if (value === null) return null
    const step = value - before
    before = value
    return step
  })
  return runs(steps, sleb)
}

/** How many are false, how many then true, and so on. */
export function switches(values: readonly boolean[]): number[] {
  const bytes: number[] = []
  let state = false
  for (let at = 0; at < values.length; state = !state) {
    const from = at
    while (at < values.length && values[at] === state) at++
    bytes.push(...uleb(at - from))
  }
  return bytes
}

function lengthOfRun(values: readonly (number | null)[], from: number): number {
  let to = from + 1
  while (to < values.length && values[to] === values[from]) to++
  return to - from
}

/** Values of which none is null or equal to the next. */
function lengthOfList(values: readonly (number | null)[], from: number): number {
  let to = from
  while (to < values.length && values[to] !== null && values[to] !== values[to + 1]) to++
  return to - from
}

export function uleb(value: number): number[] {
  const bytes: number[] = []
  let left = value
  for (; left > 0x7f; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80)
  return [...bytes, left]
}

export function sleb(value: number): number[] {
  const bytes: number[] = []
  let left = value
  for (; left < -0x40 || left > 0x3f; left = Math.floor(left / 0x80)) bytes.push((((left % 0x80) + 0x80) % 0x80) | 0x80)
  return [...bytes, left & 0x7f]
}

/** Reads numbers and parts of bytes that are known to be whole. @throws {RangeError} behind the end */
export class Cursor {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  take(length: number): Buffer {
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  uleb(): number {
    let value = 0
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.#bytes.readUInt8(this.#at++)
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return value
    }
  }

  sleb(): number {
    let value = 0
    for (let unit = 1; ; unit *= 0x80) {
      const byte = this.#bytes.readUInt8(this.#at++)
      value += (byte & 0x7f) * unit
      if (byte < 0x80) return (byte & 0x40) === 0 ? value : value - unit * 0x80
    }
  }
}
