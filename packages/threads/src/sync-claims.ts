import type { DecodedSyncMessage } from '@automerge/automerge'

// Stock clients claim one thing at a time; more than that is evaluated for every change, too.
const MAX_CLAIMS = 4
// A thread has at most 4,096 writers, and so many heads.
const MAX_HASHES = 8_192
// Stock clients use 7 and 10. Both are what the sender says they are, whatever the filter's size.
const MAX_PROBES = 32
const MAX_BITS_PER_ENTRY = 64
/** Of more changes than a thread can have. */
const MAX_FILTER_BYTES = 256 * 1024

/**
 * What a message says of its sender is kept as long as that is connected, and evaluated whenever something is new, for every
 * change of the thread: what that costs may not be the sender's to say. @throws {Error} saying what is wrong
 */
export function checkClaims({ heads, need, have }: DecodedSyncMessage): void {
  if (have.length > MAX_CLAIMS) throw new Error(`a message claims ${have.length} things at once`)
  for (const hashes of [heads, need, ...have.map(({ lastSync }) => lastSync)]) {
    if (hashes.length > MAX_HASHES) throw new Error(`a message names ${hashes.length} changes at once`)
  }
  for (const { bloom } of have) checkFilter(bloom)
}

/** Of Automerge: entries, bits per entry and probes as LEB128, then the bits. An empty one has no bytes, or no entries. */
function checkFilter(bytes: Uint8Array): void {
  if (bytes.length === 0) return
  if (bytes.length > MAX_FILTER_BYTES) throw new Error(`a filter has ${bytes.length} bytes`)
  const [entries, afterEntries] = readNumber(bytes, 0)
  const [bits, afterBits] = readNumber(bytes, afterEntries)
  const [probes] = readNumber(bytes, afterBits)
  if (probes > MAX_PROBES) throw new Error(`a filter has ${probes} probes`)
  if (bits > MAX_BITS_PER_ENTRY) throw new Error(`a filter has ${bits} bits per entry`)
  // It would be divided by.
  if (entries > 0 && bits === 0) throw new Error('a filter has entries and no bits')
}

/** @returns the number, and where the next one begins */
function readNumber(bytes: Uint8Array, start: number): readonly [value: number, end: number] {
  let value = 0
  for (let at = start; at < start + MAX_NUMBER_BYTES; at++) {
    const byte = bytes[at]
    if (byte === undefined) break
    value += (byte & 0x7f) * 2 ** (7 * (at - start))
    if (byte < 0x80) return [value, at + 1]
  }
  throw new Error('a filter has no header')
}

/** Of 32 bits. */
const MAX_NUMBER_BYTES = 5
