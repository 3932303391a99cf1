import { describe, expect, it } from 'vitest'
import { encodeCanonical } from '../src/bytes/cbor.ts'
import { agentIdOf, callIdOf, turnIdOf } from '../src/ids/ids.ts'
import {
  decodeLedgerRecord,
  encodeLedgerRecord,
  type LedgerEvent,
  type LedgerRecord,
  ledgerRecordHash,
  MAX_LEDGER_RECORD_BYTES,
  MAX_REPLY_BYTES,
} from '../src/ledger/record.ts'
import { golden, hex, signerOf } from './keys.ts'

const thread = '019aa1b2-c3d4-7000-8000-000000000001' as never
const agent = agentIdOf('architect', signerOf(1).peer)
const turn = turnIdOf({ thread, phase: 'findings', round: 1, agent })
const call = callIdOf(turn, 0, 1)
const nano = (amount: bigint) => amount as never
const price = {
  ...{ model: 'claude-sonnet-4-5', input: nano(3_000_000_000n), cachedInput: nano(300_000_000n) },
  ...{ cacheWrite: nano(6_000_000_000n), output: nano(15_000_000_000n) },
  tiers: [
    {
      ...{ above: 200_000, input: nano(6_000_000_000n), cachedInput: nano(600_000_000n) },
      ...{ cacheWrite: nano(12_000_000_000n), output: nano(22_500_000_000n) },
    },
  ],
  ...{ table: new Uint8Array(32).fill(7), simulated: false },
}
const usage = { input: 3_000, cachedInput: 1_000, cacheWrite: 500, output: 200, reasoning: 50, cost: nano(8_100_000n) }
const events: { [Kind in LedgerEvent['kind']]: Extract<LedgerEvent, { kind: Kind }> } = {
  created: { kind: 'created', incarnation: '00112233445566778899aabbccddeeff' as never },
  booted: { kind: 'booted', counter: 1, nonce: 'ffeeddccbbaa99887766554433221100' as never },
  opened: { kind: 'opened', period: 'd:2026-11-22' as never, initial: nano(33_333_333_333n), manifestVersion: 1 },
  reserved: {
    ...{ kind: 'reserved', call, turn, step: 0, attempt: 1, thread, agent: 'architect', max: nano(12_300_000n), price },
    periods: ['d:2026-11-22', 'm:2026-11', 'a:architect:2026-11-22', `t:${thread}`] as never,
  },
  minted: {
    ...{ kind: 'minted', period: 'd:2026-11-22' as never, id: '0123456789abcdef0123456789abcdef' as never },
    ...{ amount: nano(2_000_000_000n), manifestVersion: 4 },
  },
  acked: {
    ...{ kind: 'acked', version: 4 },
    ...{ manifest: Uint8Array.from([1, 2, 3]), ack: Uint8Array.from([4, 5, 6]) },
  },
  granted: {
    kind: 'granted',
    period: 'd:2026-11-22' as never,
    amount: nano(1_000_000_000n),
    grant: Uint8Array.from([1, 2, 3]),
  },
  credited: {
    kind: 'credited',
    period: `t:${thread}` as never,
    amount: nano(250_000_000n),
    grant: Uint8Array.from([1, 2, 3]),
  },
  forked: {
    ...{ kind: 'forked', proof: Uint8Array.from([4, 5, 6]) },
    account: { peer: signerOf(2).peer, incarnation: '00112233445566778899aabbccddeeff' as never },
  },
  sent: { kind: 'sent', call },
  settled: {
    ...{ kind: 'settled', call, amount: nano(10_800_000n), reply: '{"summary":"fine"}', evidence: 'usage' },
    ...{ usage, providerRequestId: 'chatcmpl-1' },
  },
  uncertain: { kind: 'uncertain', call, reason: 'the stream ended without usage', providerRequestId: 'req-7' },
  released: { kind: 'released', call, reason: 'not sent within 30 s' },
}
const recordOf = (event: LedgerEvent): LedgerRecord => ({
  v: 1,
  seq: 5,
  prev: new Uint8Array(32).fill(1),
  atMs: 1_795_000_000_000,
  event,
})
const settledWith = (change: object) => recordOf({ ...events.settled, ...change } as LedgerEvent)

describe('a ledger record', () => {
  it('has the bytes and the hash of the spec, whatever it tells', () => {
    const written = Object.values(events).flatMap((event) => {
      const bytes = encodeLedgerRecord(recordOf(event))
      return [
        [event.kind, hex(bytes)],
        [`hash of ${event.kind}`, hex(ledgerRecordHash(bytes))],
      ]
    })
    expect(Object.fromEntries(written)).toEqual(golden('ledger'))
  })

  it.each(Object.values(events))('that tells of $kind is read back as it was written', (event) => {
    expect(decodeLedgerRecord(encodeLedgerRecord(recordOf(event)))).toEqual(recordOf(event))
  })

  it('keeps a reply up to its bound in bytes, and does without a longer one', () => {
    const longest = settledWith({ reply: 'é'.repeat(MAX_REPLY_BYTES / 2) })
    expect(encodeLedgerRecord(longest).length).toBeLessThan(MAX_LEDGER_RECORD_BYTES)
    expect(decodeLedgerRecord(encodeLedgerRecord(longest))).toEqual(longest)
    expect(decodeLedgerRecord(encodeLedgerRecord(settledWith({ reply: null }))).event).toMatchObject({ reply: null })
    expect(() =>
      decodeLedgerRecord(encodeLedgerRecord(settledWith({ reply: 'é'.repeat(MAX_REPLY_BYTES / 2 + 1) }))),
    ).toThrow(expect.objectContaining({ code: 'BAD_SHAPE' }))
  })

  it.each<[string, unknown]>([
    ['number 0', { ...recordOf(events.sent), seq: 0 }],
    ['a short hash', { ...recordOf(events.sent), prev: new Uint8Array(31) }],
    ['no event', { ...recordOf(events.sent), event: { kind: 'refunded', call } }],
    ['a negative amount', settledWith({ amount: -1n })],
    ['half a token', settledWith({ usage: { ...usage, input: 0.5 } })],
    ['more read and written than the prompt has', settledWith({ usage: { ...usage, cacheWrite: 2_001 } })],
    ['more reasoning than output', settledWith({ usage: { ...usage, reasoning: 201 } })],
    [
      'tiers in disorder',
      recordOf({ ...events.reserved, price: { ...price, tiers: [...price.tiers, ...price.tiers] } }),
    ],
    ['an agent with its peer', recordOf({ ...events.reserved, agent })],
    ['no period', recordOf({ ...events.reserved, periods: [] })],
    ['a grant above its bound', recordOf({ ...events.granted, grant: new Uint8Array(1_025) })],
    ['a field that nobody knows', { ...recordOf(events.sent), extra: 1 }],
  ])('with %s is refused', (_, record) => {
    expect(() => decodeLedgerRecord(encodeCanonical(record))).toThrow(expect.objectContaining({ code: 'BAD_SHAPE' }))
  })

  it('in another than the deterministic form is refused', () => {
    const bytes = encodeLedgerRecord(recordOf(events.sent))
    expect(() => decodeLedgerRecord(Buffer.concat([bytes, Buffer.of(0)]))).toThrow(
      expect.objectContaining({ code: 'NOT_CANONICAL' }),
    )
  })
})
