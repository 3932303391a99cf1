import * as Automerge from '@automerge/automerge'
import { chunksIn, inspectDocument, LAPTOP_DOCUMENT_BOUNDS, newThreadId } from '@bzzz/protocols'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Pen } from './pen.ts'
import { signerOf } from './place.ts'

const refusal = expect.objectContaining({ name: 'ProtocolError', code: 'BAD_CHANGE' })

function documentOf(entries: number): Uint8Array {
  const pen = new Pen(signerOf(1), newThreadId(1, Buffer.alloc(10)))
  for (let i = 0; i < entries; i++) pen.append(`entry ${i} `.repeat(30))
  return Automerge.save(pen.document)
}

test('a document that Automerge saved is let in, deflated columns and all', () => {
  for (const entries of [1, 5, 200])
    expect(() => inspectDocument(documentOf(entries), LAPTOP_DOCUMENT_BOUNDS)).not.toThrow()
})

test('a document of a few kilobytes that holds a quarter of a million operations is refused without expanding it', () => {
  const bomb = Automerge.save(Automerge.from({ text: 'ab'.repeat(125_000) }))
  expect(bomb.length).toBeLessThan(10_000)
  const startedMs = performance.now()
  expect(() => inspectDocument(bomb, LAPTOP_DOCUMENT_BOUNDS)).toThrow(refusal)
  expect(performance.now() - startedMs).toBeLessThan(200)
})

test('chunks in a row are taken apart', () => {
  const pen = new Pen(signerOf(1), newThreadId(1, Buffer.alloc(10)))
  pen.append('one')
  pen.append('two')
  const changes = Automerge.getAllChanges(pen.document)
  expect(chunksIn(Buffer.concat(changes)).map((chunk) => Buffer.from(chunk))).toEqual(
    changes.map((change) => Buffer.from(change)),
  )
  expect(() => chunksIn(Buffer.concat(changes).subarray(0, -1))).toThrow(refusal)
})

test('of a document with bytes altered nothing is thrown but a refusal', () => {
  const bytes = documentOf(20)
  fc.assert(
    fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 0, max: 255 }), (at, value) => {
      const altered = Uint8Array.from(bytes)
      altered[at] = value
      try {
        inspectDocument(altered, LAPTOP_DOCUMENT_BOUNDS)
      } catch (error) {
        expect(error).toEqual(refusal)
      }
    }),
    { numRuns: 500 },
  )
})
