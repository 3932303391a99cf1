import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { constants, zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  decodeBatch,
  encodeBatch,
  MAX_BATCH_BYTES,
  packBatches,
  projectTag,
  projectTopic,
} from '../src/gossip/batch.ts'
import type { MeshId } from '../src/ids/ids.ts'

const golden = JSON.parse(readFileSync(new URL('./golden/gossip.json', import.meta.url), 'utf8')) as {
  envelopes: string[]
  batch: string
  packed: string
  project: { name: string; tag: string; topic: string }
}

function bytes(length: number, fill = 0): Uint8Array {
  return new Uint8Array(length).fill(fill)
}

describe('a batch', () => {
  it('has the golden bytes', () => {
    const envelopes = golden.envelopes.map((hex) => Buffer.from(hex, 'hex'))
    expect(Buffer.from(encodeBatch(envelopes)).toString('hex')).toBe(golden.batch)
    expect(decodeBatch(Buffer.from(golden.batch, 'hex')).map((one) => Buffer.from(one))).toEqual(envelopes)
  })

  it('is read from a frame that another encoder made', () => {
    const envelopes = [1, 2, 3].map((fill) => Buffer.alloc(1000, fill))
    expect(decodeBatch(Buffer.from(golden.packed, 'hex')).map((one) => Buffer.from(one))).toEqual(envelopes)
  })

  it('travels packed where that is smaller, and comes back as it was', () => {
    const prose = Array.from({ length: 30 }, (_, i) => Buffer.from(`entry ${i} says what others said. `.repeat(10)))
    const noise = [randomBytes(5_000), randomBytes(5_000)]
    expect(encodeBatch(prose).length).toBeLessThan(3_000)
    expect(encodeBatch(noise).length).toBeLessThan(10_100)
    for (const batch of [prose, noise])
      expect(decodeBatch(encodeBatch(batch)).map((one) => Buffer.from(one))).toEqual(batch)
  })

  const packedBytes = Buffer.from(golden.packed, 'hex')
  const window = (log: number) => ({
    params: { [constants.ZSTD_c_windowLog]: log, [constants.ZSTD_c_contentSizeFlag]: 0 },
  })
  it.each([
    ['cut off', packedBytes.subarray(0, -2), 'NOT_CANONICAL'],
    ['followed by something', Buffer.concat([packedBytes, Buffer.from('x')]), 'NOT_CANONICAL'],
    ['followed by another one', Buffer.concat([packedBytes, packedBytes]), 'NOT_CANONICAL'],
    ['of a window of 32 MiB', zstdCompressSync(Buffer.alloc(2 ** 25), window(25)), 'NOT_CANONICAL'],
    ['of no batch', zstdCompressSync(Buffer.alloc(100)), 'NOT_CANONICAL'],
    ['that makes megabytes of kilobytes', zstdCompressSync(Buffer.alloc(2 ** 25), window(17)), 'TOO_LARGE'],
  ])('in a frame %s is refused', (_what, batch, code) => {
    expect(() => decodeBatch(batch)).toThrow(expect.objectContaining({ code }))
  })

  it.each([
    ['empty', encodeBatch([]), 'BAD_SHAPE'],
    ['of more envelopes than allowed', encodeBatch(Array.from({ length: 1025 }, () => bytes(1))), 'BAD_SHAPE'],
    ['above its bound', encodeBatch([bytes(MAX_BATCH_BYTES)]), 'TOO_LARGE'],
    ['in another form than the deterministic one', Buffer.from(`bf${golden.batch.slice(2)}ff`, 'hex'), 'NOT_CANONICAL'],
    ['with bytes after it', Buffer.from(`${golden.batch}00`, 'hex'), 'NOT_CANONICAL'],
    ['of another version', Buffer.from(golden.batch.replace('617601', '617602'), 'hex'), 'BAD_SHAPE'],
  ])('that is %s is refused', (_what, batch, code) => {
    expect(() => decodeBatch(batch)).toThrow(expect.objectContaining({ code }))
  })
})

it('the topic of a project has the golden name, and not that of the project', () => {
  const { name, tag, topic } = golden.project
  expect(Buffer.from(projectTag(name)).toString('hex')).toBe(tag)
  expect(projectTopic('ab'.repeat(32) as MeshId, projectTag(name))).toBe(topic)
})

describe('packing', () => {
  it('keeps the order and fills batches that fit', () => {
    const envelopes = Array.from({ length: 40 }, (_, i) => bytes(20_000, i))
    const { batches, tooLarge } = packBatches(envelopes)
    expect(batches.flat()).toEqual(envelopes)
    expect(tooLarge).toEqual([])
    expect(batches.length).toBe(4)
    for (const batch of batches) expect(decodeBatch(encodeBatch(batch))).toHaveLength(batch.length)
  })

  it('sets apart what fits into no batch, and nothing that just fits', () => {
    const justFits = bytes(MAX_BATCH_BYTES - 37)
    const { batches, tooLarge } = packBatches([bytes(10), bytes(MAX_BATCH_BYTES), justFits])
    expect(batches.map((batch) => batch.length)).toEqual([1, 1])
    expect(tooLarge).toEqual([bytes(MAX_BATCH_BYTES)])
    expect(encodeBatch([justFits]).length).toBeLessThanOrEqual(MAX_BATCH_BYTES)
  })

  it('never makes a batch of more than 1024', () => {
    const { batches } = packBatches(Array.from({ length: 2500 }, () => bytes(10)))
    expect(batches.map((batch) => batch.length)).toEqual([1024, 1024, 452])
  })
})
