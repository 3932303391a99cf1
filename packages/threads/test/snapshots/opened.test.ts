import { randomBytes } from 'node:crypto'
import { deflateRawSync } from 'node:zlib'
import * as Automerge from '@automerge/automerge'
import {
  decodeSnapshot,
  encodeSnapshot,
  MAX_SNAPSHOT_BYTES,
  newThreadId,
  ProtocolError,
  readEnvelope,
  type Snapshot,
} from '@bzzz/protocols'
import { describe, expect, test } from 'vitest'
import { buildDocument, genesisChange, saveDocument } from '../../src/document.ts'
import { makeSnapshot } from '../../src/snapshots/make.ts'
import { openSnapshot, verifyChanges } from '../../src/snapshots/opened.ts'
import { immutable, Pen } from '../pen.ts'
import { openNode, signerOf, viewOf } from '../place.ts'
import { logOf, mesh, messageOf, thread } from './log.ts'

const { log, pens } = logOf(300)
const honest = makeSnapshot(mesh, thread, log)

describe('a snapshot', () => {
  test('has the changes and signatures of the log, and shows what the thread shows', async () => {
    const opened = openSnapshot(mesh, thread, honest)
    verifyChanges(mesh, opened.changes)
    expect(new Set(opened.changes.map(({ header }) => header.hash))).toEqual(
      new Set(log.map((bytes) => readEnvelope(mesh, bytes).header.hash)),
    )
    const { threads } = await openNode(1)
    for (const received of await Promise.all(opened.changes.map(({ bytes }) => threads.receive(bytes)))) {
      expect(received.status).toBe('applied')
    }
    expect(opened.entries).toEqual((await viewOf(threads, thread)).entries)
    expect(opened.authors.toSorted()).toEqual(pens.map(({ signer }) => signer.peer).toSorted())
  })

  test('takes a fraction of the log', () => {
    expect(honest.length).toBeLessThan(log.reduce((sum, { length }) => sum + length, 0) / 2)
  })

  test('is not made of a log with a change that only the CRDT can tell to be an append', () => {
    const odd = new Pen(signerOf(23), thread).write((draft) => (draft.extra = 1))
    expect(() => makeSnapshot(mesh, thread, [...log, odd])).toThrow('has no place')
  })
})

describe('a snapshot that lies is refused:', () => {
  const parts = decodeSnapshot(mesh, thread, honest)
  const lie = (changed: Partial<Snapshot>) => encodeSnapshot(mesh, thread, { ...parts, ...changed })
  const documentOf = (...changes: Uint8Array[]) =>
    saveDocument(buildDocument('01', [genesisChange(thread), ...changes]))
  const changes = log.map((bytes) => readEnvelope(mesh, bytes).change)

  test.each<[string, () => Uint8Array]>([
    ['bytes that are none', () => Buffer.from('what is this')],
    ['one that is cut off', () => honest.subarray(0, honest.length / 2)],
    ['one beyond the bound', () => new Uint8Array(MAX_SNAPSHOT_BYTES + 1)],
    ['of another thread', () => encodeSnapshot(mesh, newThreadId(1, randomBytes(10)), parts)],
    ['a document that is cut off', () => lie({ document: parts.document.subarray(0, -200) })],
    ['a document with flipped bits', () => lie({ document: flipped(parts.document) })],
    ['a signature too few', () => lie({ signatures: parts.signatures.slice(1) })],
    ['a change too few', () => lie({ document: documentOf(...changes.slice(0, -1)) })],
    ['a change too many', () => lie({ document: documentOf(...changes, forged()) })],
    [
      'a change that is no append',
      () => {
        const odd = new Pen(signerOf(24), thread).change((draft) => (draft.log.none = [immutable('x')]))
        return lie({ document: documentOf(...changes, odd), signatures: [...parts.signatures, new Uint8Array(64)] })
      },
    ],
    ['another beginning', () => lie({ document: Automerge.save(Automerge.from({ v: 1 })) })],
    ['a column that inflates to hundreds of megabytes', () => lie({ document: bombOf(inflating) })],
    ['a column that expands to millions of rows', () => lie({ document: bombOf(expanding) })],
  ])('%s', (_, make) => {
    const begun = performance.now()
    expect(() => openSnapshot(mesh, thread, make())).toThrow()
    expect(performance.now() - begun).toBeLessThan(1_500)
  })

  test.each<[string, () => Uint8Array]>([
    ['signatures in another order', () => lie({ signatures: parts.signatures.toReversed() })],
    [
      'a change that nobody has signed',
      () => lie({ document: documentOf(...changes, forged()), signatures: [...parts.signatures, randomBytes(64)] }),
    ],
  ])('%s, once the signatures are checked', (_, make) => {
    const opened = openSnapshot(mesh, thread, make())
    expect(() => verifyChanges(mesh, opened.changes)).toThrow(ProtocolError)
  })

  function forged(): Uint8Array {
    const pen = new Pen(signerOf(25), thread)
    return pen.change((draft) => (draft.log[`${pen.actor}/0`] = [immutable(messageOf(pen, 'message-of-mallory'))]))
  }
})

function flipped(document: Uint8Array): Uint8Array {
  const bytes = Buffer.from(document)
  bytes.writeUInt8(bytes.readUInt8(bytes.length / 2) ^ 1, bytes.length / 2)
  return bytes
}

const inflating = { spec: 0x57 | 8, bytes: deflateRawSync(Buffer.alloc(300 * 1024 * 1024)) }
/** A run of 4 million equal numbers. */
const expanding = { spec: 0x01, bytes: Buffer.from([0x80, 0x92, 0xf4, 0x01, 0x00]) }

/** A document chunk with one column of operations; its checksum is never looked at before the bounds. */
function bombOf({ spec, bytes }: { spec: number; bytes: Uint8Array }): Uint8Array {
  const body = Buffer.concat([Buffer.of(0, 0, 0, 1, spec), uleb(bytes.length), bytes])
  return Buffer.concat([Buffer.from('856f4a830000000000', 'hex'), uleb(body.length), body])
}

function uleb(value: number): Buffer {
  const bytes: number[] = []
  let left = value
  for (; left > 127; left >>= 7) bytes.push((left & 127) | 128)
  return Buffer.from([...bytes, left])
}
