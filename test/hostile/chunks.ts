import { deflateRawSync, inflateRawSync } from 'node:zlib'
import { chunkOf, MAGIC, uleb } from '../../packages/mesh/test/chunks.ts'
import type { Random } from '../crash/random.ts'

/** Automerge change chunks taken apart and put together again, with a length and a checksum that are right. */

const TYPE_AT = 8
const DEFLATED_CHANGE = 2

/** What is inside a change, uncompressed. */
export function bodyOf(change: Uint8Array): Buffer {
  let at = TYPE_AT + 1
  while ((change[at] ?? 0) >= 0x80) at++
  const body = Buffer.from(change.subarray(at + 1))
  return change[TYPE_AT] === DEFLATED_CHANGE ? inflateRawSync(body) : body
}

/** Its checksum is of what it holds unpacked, so it is right too. */
export function deflatedChunkOf(body: Uint8Array): Buffer {
  const deflated = deflateRawSync(body)
  const checksum = chunkOf(body).subarray(4, TYPE_AT)
  return Buffer.concat([MAGIC, checksum, Buffer.of(DEFLATED_CHANGE), uleb(deflated.length), deflated])
}

/** A change of 20,000 nulls made one of a million, in as many bytes: only the run lengths say so. */
export function blownUp(change: Uint8Array): Buffer {
  let hex = bodyOf(change).toString('hex')
  for (const [small, large] of [
    ['a09c01', 'c0843d'], // 20,000 and 1,000,000 in signed LEB128
    ['9f9c01', 'bf843d'], // less one
  ] as const) {
    hex = hex.replaceAll(small, large)
  }
  return chunkOf(Buffer.from(hex, 'hex'))
}

/** The same change by another actor, also where the actor names its page. */
export function withActor(body: Uint8Array, from: Uint8Array, to: Uint8Array): Buffer {
  const hex = Buffer.from(body).toString('hex')
  const named = (actor: Uint8Array) => Buffer.from(Buffer.from(actor).toString('hex')).toString('hex')
  const swapped = hex.replaceAll(Buffer.from(from).toString('hex'), Buffer.from(to).toString('hex'))
  return Buffer.from(swapped.replaceAll(named(from), named(to)), 'hex')
}

/** A few bytes altered, taken out, put in or said twice. */
export function mutated(bytes: Uint8Array, random: Random): Buffer {
  let mutant = Buffer.from(bytes)
  for (let left = 1 + random(3); left > 0; left--) {
    const at = random(mutant.length)
    const size = 1 + random(8)
    const [before, here, behind] = [mutant.subarray(0, at), mutant.subarray(at, at + size), mutant.subarray(at + size)]
    const ways = [
      () => Buffer.concat([before, flipped(here, random), behind]),
      () => Buffer.concat([before, behind]),
      () => Buffer.concat([before, noise(size, random), here, behind]),
      () => Buffer.concat([before, here, here, behind]),
    ]
    // Most of what is not an altered byte falls out of step at once.
    mutant = ways[random(3) === 0 ? random(ways.length) : 0]?.() ?? mutant
  }
  return mutant
}

export function noise(length: number, random: Random): Buffer {
  return Buffer.from(Array.from({ length }, () => random(256)))
}

function flipped(bytes: Uint8Array, random: Random): Buffer {
  const result = Buffer.from(bytes)
  if (result.length > 0) result.writeUInt8(result.readUInt8(0) ^ (1 + random(255)), 0)
  return result
}
