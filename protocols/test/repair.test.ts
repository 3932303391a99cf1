import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { zstdCompressSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { ProtocolError } from '../src/bytes/errors.ts'
import type { NanoUsd } from '../src/bytes/shapes.ts'
import { MAX_ENVELOPE_BYTES } from '../src/envelope/envelope.ts'
import type { GrantRequest } from '../src/grant/request.ts'
import type { Incarnation, MeshId, Period } from '../src/ids/ids.ts'
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  MAX_BLOB_BYTES,
  MAX_BLOB_PART_BYTES,
  MAX_FRAME_BYTES,
  repairProtocol,
  vectorFromWire,
  vectorHash,
  vectorToWire,
} from '../src/repair/frames.ts'
import { MAX_PAGE_ENVELOPES, packPage, unpackPage } from '../src/repair/page.ts'
import { signerOf } from './keys.ts'

const golden = JSON.parse(readFileSync(new URL('./golden/repair.json', import.meta.url), 'utf8')) as {
  frames: Record<Frame['t'], string>
  vectorHash: string
  page: string
}

function bytes(length: number, fill: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(fill)
}

const NONCE = '0123456789abcdef'.repeat(2) as Incarnation
const REQUEST: GrantRequest = {
  to: { account: { peer: signerOf(1).peer, incarnation: NONCE }, boot: { counter: 3, nonce: NONCE } },
  sinceMs: 1_790_000_000_000,
  perSecond: 250_000,
  needs: [
    {
      period: 'd:2026-11-22' as Period,
      least: 40_000_000n as NanoUsd,
      want: (2n ** 60n) as NanoUsd,
      credited: 0n as NanoUsd,
    },
  ],
}

const FRAMES: { [T in Frame['t']]: Extract<Frame, { t: T }> } = {
  hello: { t: 'hello', v: 1, mesh: bytes(32, 0xab), card: bytes(3, 1) },
  ping: { t: 'ping', n: 7 },
  pong: { t: 'pong', n: 7 },
  card: { t: 'card', card: bytes(3, 1) },
  manifest: { t: 'manifest', manifest: bytes(3, 4) },
  digest: { t: 'digest', threads: [[bytes(16, 2), bytes(32, 3), bytes(8, 1)]] },
  follows: { t: 'follows', all: false, projects: [bytes(8, 1)], threads: [bytes(16, 2)] },
  vectors: {
    t: 'vectors',
    n: 1,
    threads: [
      [bytes(16, 2), [[bytes(40, 4), 300, bytes(32, 9)]]],
      [bytes(16, 5), []],
    ],
  },
  openings: { t: 'openings', n: 3, threads: [bytes(16, 2)] },
  next: { t: 'next', n: 4 },
  page: { t: 'page', n: 1, packed: bytes(3, 6), more: true },
  envelopes: { t: 'envelopes', envelopes: [bytes(2, 6), bytes(1, 7)] },
  snapshots: { t: 'snapshots', n: 5, threads: [bytes(16, 2)] },
  offers: { t: 'offers', n: 5, offers: [[bytes(16, 2), bytes(32, 3), 600]] },
  'blob-want': { t: 'blob-want', n: 2, hash: bytes(32, 8), offset: 524_288 },
  'blob-part': { t: 'blob-part', n: 2, hash: bytes(32, 8), offset: 524_288, total: 524_290, bytes: bytes(2, 9) },
  'grant-ask': { t: 'grant-ask', n: 6, request: REQUEST },
  'grant-answer': {
    t: 'grant-answer',
    n: 6,
    answer: {
      granting: { status: 'granted', grants: [bytes(3, 5)] },
      spare: [{ period: 'd:2026-11-22' as Period, amount: 7n as NanoUsd }],
    },
  },
  budget: { t: 'budget', kind: 'ack', bytes: bytes(3, 5) },
}

describe('a frame', () => {
  it.each(Object.values(FRAMES))('$t has the golden bytes', (frame) => {
    expect(Buffer.from(encodeFrame(frame)).toString('hex')).toBe(golden.frames[frame.t])
    expect(decodeFrame(Buffer.from(golden.frames[frame.t], 'hex'))).toEqual(frame)
  })

  it.each<[string, object, string]>([
    ['of no known kind', { t: 'shout' }, 'BAD_SHAPE'],
    ['with a field too many', { ...FRAMES.ping, extra: 1 }, 'BAD_SHAPE'],
    ['of another version', { ...FRAMES.hello, v: 2 }, 'BAD_SHAPE'],
    ['with a mesh id that is too short', { ...FRAMES.hello, mesh: bytes(31, 1) }, 'BAD_SHAPE'],
    ['that asks without a number', { ...FRAMES.vectors, n: 0 }, 'BAD_SHAPE'],
    [
      'with a sequence number of 0',
      { ...FRAMES.vectors, threads: [[bytes(16, 1), [[bytes(40, 1), 0, bytes(32, 9)]]]] },
      'BAD_SHAPE',
    ],
    ['with a negative number', { ...FRAMES.ping, n: -1 }, 'BAD_SHAPE'],
    ['with too many threads', { ...FRAMES.vectors, threads: Array(257).fill([bytes(16, 1), []]) }, 'BAD_SHAPE'],
    ['with too large a part', { ...FRAMES['blob-part'], bytes: bytes(MAX_BLOB_PART_BYTES + 1, 0) }, 'BAD_SHAPE'],
    ['with too large a total', { ...FRAMES['blob-part'], total: MAX_BLOB_BYTES + 1 }, 'BAD_SHAPE'],
    ['that asks for no rights', { ...FRAMES['grant-ask'], request: { ...REQUEST, needs: [] } }, 'BAD_SHAPE'],
    [
      'that asks for more periods than a call has',
      { ...FRAMES['grant-ask'], request: { ...REQUEST, needs: Array(17).fill(REQUEST.needs[0]) } },
      'BAD_SHAPE',
    ],
    [
      'that answers with too large a grant',
      { ...FRAMES['grant-answer'], answer: { granting: { status: 'granted', grants: [bytes(1025, 0)] }, spare: [] } },
      'BAD_SHAPE',
    ],
    ['with a thing of the budget that nobody knows', { ...FRAMES.budget, kind: 'gift' }, 'BAD_SHAPE'],
    ['with too large a thing of the budget', { ...FRAMES.budget, bytes: bytes(525_313, 0) }, 'BAD_SHAPE'],
    ['above its bound', { ...FRAMES.card, card: bytes(MAX_FRAME_BYTES, 0) }, 'TOO_LARGE'],
  ])('%s is refused', (_what, frame, code) => {
    expect(() => decodeFrame(encodeFrame(frame as Frame))).toThrow(expect.objectContaining({ code }))
  })

  it('that is not in the deterministic form is refused', () => {
    // the same ping with its number in two bytes instead of one
    const loose = Buffer.from(golden.frames.ping.replace('616e07', '616e1807'), 'hex')
    expect(() => decodeFrame(loose)).toThrow(expect.objectContaining({ code: 'NOT_CANONICAL' }))
  })

  it('holds a full page and a full part', () => {
    const envelopes: Frame = { t: 'envelopes', envelopes: [bytes(MAX_ENVELOPE_BYTES, 1), bytes(MAX_ENVELOPE_BYTES, 2)] }
    expect(decodeFrame(encodeFrame(envelopes))).toEqual(envelopes)
    const part: Frame = { ...FRAMES['blob-part'], total: MAX_BLOB_BYTES, bytes: bytes(MAX_BLOB_PART_BYTES, 3) }
    expect(decodeFrame(encodeFrame(part))).toEqual(part)
  })
})

describe('a page', () => {
  const envelopes = [bytes(2, 6), bytes(1, 7), bytes(300, 8)]

  it('comes back as it was packed, now and from the golden bytes', async () => {
    expect((await unpackPage(await packPage(envelopes))).map((one) => Uint8Array.from(one))).toEqual(envelopes)
    const unpacked = await unpackPage(Buffer.from(golden.page, 'hex'))
    expect(unpacked.map((one) => Uint8Array.from(one))).toEqual(envelopes)
    expect(await unpackPage(await packPage([]))).toEqual([])
  })

  it('holds what no compression makes smaller', async () => {
    const full = Array.from({ length: MAX_PAGE_ENVELOPES }, () => Uint8Array.from(randomBytes(512)))
    const same = full.map(() => bytes(512, 7))
    expect((await unpackPage(await packPage(same))).length).toBe(MAX_PAGE_ENVELOPES)
    const packed = await packPage(full)
    const page: Frame = { t: 'page', n: 1, packed, more: false }
    expect(decodeFrame(encodeFrame(page))).toEqual(page)
    expect((await unpackPage(packed)).length).toBe(MAX_PAGE_ENVELOPES)
  })

  it.each([
    ['is no zstd', () => Buffer.from('this is no zstd')],
    ['is cut off', async () => (await packPage(envelopes)).subarray(0, -3)],
    ['ends within an envelope', () => zstdCompressSync(Buffer.from('0000000301', 'hex'))],
    ['has too many envelopes', () => zstdCompressSync(Buffer.alloc((MAX_PAGE_ENVELOPES + 1) * 4))],
    ['has a second frame behind it', async () => Buffer.concat([await packPage(envelopes), await packPage(envelopes)])],
    ['has something else behind it', async () => Buffer.concat([await packPage(envelopes), Buffer.of(0)])],
    [
      'fills a buffer and has something behind it',
      async () => {
        const full = await packPage([bytes(16 * 1024 - 4, 1)]) // as much as is unpacked at a time
        return Buffer.concat([full, full])
      },
    ],
    // no size, a window of 128 MiB, one raw block
    ['asks for a large window', () => Buffer.from('28b52ffd0088390000' + '00000003616263', 'hex')],
    ['swells beyond its bound', () => zstdCompressSync(Buffer.alloc(64 * 1024 * 1024))],
  ])('that %s is refused', async (_what, make) => {
    await expect((async () => unpackPage(await make()))()).rejects.toBeInstanceOf(ProtocolError)
  })
})

describe('a vector', () => {
  const [low, high] = ['01'.repeat(40), '04'.repeat(40)] as const
  const at = (seq: number, fill = 9) => ({ seq, hash: Buffer.alloc(32, fill).toString('hex') })

  it('has the golden hash, whatever the order of its actors', () => {
    const hashes = [
      new Map([
        [high, at(300)],
        [low, at(1, 8)],
      ]),
      new Map([
        [low, at(1, 8)],
        [high, at(300)],
      ]),
    ].map(vectorHash)
    for (const hash of hashes) expect(Buffer.from(hash).toString('hex')).toBe(golden.vectorHash)
  })

  it('comes back from the wire as it was', () => {
    const vector = new Map([
      ['02'.repeat(48), at(7)],
      [low, at(1)],
      [high, at(2 ** 40)],
    ])
    expect(vectorFromWire(vectorToWire(vector))).toEqual(vector)
  })

  it('has another hash when any number or any change differs', () => {
    const hash = vectorHash(new Map([[low, at(1)]]))
    expect(vectorHash(new Map([[low, at(2)]]))).not.toEqual(hash)
    expect(vectorHash(new Map([[low, at(1, 8)]]))).not.toEqual(hash)
    expect(vectorHash(new Map([[high, at(1)]]))).not.toEqual(hash)
  })
})

it('the protocol of the stream names its mesh', () => {
  expect(repairProtocol('0123456789abcdef'.repeat(4) as MeshId)).toBe('/bzzz/0123456789abcdef/repair/1')
})
