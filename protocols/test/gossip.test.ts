import { readFileSync } from 'node:fs'
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
