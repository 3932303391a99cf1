import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  agentIdOf,
  callIdOf,
  documentIdOf,
  isOpenerOf,
  newThreadId,
  openedThreadId,
  type PeerId,
  parseAgentId,
  peerId,
  peerIdFromPublicKey,
  publicKeyOfPeer,
  successorId,
  type ThreadId,
  threadId,
  threadIdBytes,
  threadIdFromBytes,
  threadIdMs,
  threadOfDocument,
  turnIdOf,
} from '../src/ids/ids.ts'
import { agentDayPeriod, dayPeriod, monthPeriod, parsePeriod, threadPeriod } from '../src/ids/periods.ts'
import { golden, hex, signerOf, unhex } from './keys.ts'

const known = golden('ids')
const thread = known.thread as ThreadId
const key = fc.uint8Array({ minLength: 32, maxLength: 32 })

describe('ids', () => {
  test('have the text of their spec', () => {
    const peer = peerIdFromPublicKey(unhex(known.publicKey))
    expect(peer).toBe(known.peer)
    expect(newThreadId(1_795_305_600_000, unhex(known.random))).toBe(thread)
    expect(hex(threadIdBytes(thread))).toBe(known.threadBytes)
    const turn = turnIdOf({ thread, phase: 'vote', round: 2, agent: agentIdOf('security', peer) })
    expect(turn).toBe(known.turn)
    expect(callIdOf(turn, 0, 1)).toBe(known.call)
  })

  test('of threads are document ids of automerge-repo, and nothing else is one', () => {
    expect(documentIdOf(thread)).toBe(known.document)
    expect(threadOfDocument(documentIdOf(thread))).toBe(thread)
    expect(threadOfDocument(`${known.document}`.replace('X', 'Y'))).toBeUndefined()
    expect(threadOfDocument('')).toBeUndefined()
    fc.assert(fc.property(fc.string(), (text) => threadOfDocument(text) === undefined))
  })

  test('of peers hold their key', () => {
    fc.assert(
      fc.property(key, (publicKey) => {
        const peer = peerIdFromPublicKey(publicKey)
        expect(peerId.parse(peer)).toBe(peer)
        expect(hex(publicKeyOfPeer(peer))).toBe(hex(publicKey))
      }),
    )
  })

  test('of peers with any other byte in them are of another peer or none', () => {
    const { peer } = signerOf(1)
    fc.assert(
      fc.property(fc.nat({ max: peer.length - 1 }), fc.constantFrom(...'019AZazl'), (at, letter) => {
        const other = peer.slice(0, at) + letter + peer.slice(at + 1)
        const parsed = peerId.safeParse(other)
        if (parsed.success) expect(peerIdFromPublicKey(publicKeyOfPeer(parsed.data))).toBe(other)
        else expect(() => publicKeyOfPeer(other as PeerId)).toThrow(RangeError)
      }),
    )
  })

  test('of threads are UUIDs of version 7 that sort by time', () => {
    const random = fc.uint8Array({ minLength: 10, maxLength: 10 })
    fc.assert(
      fc.property(fc.nat(), random, fc.nat(), random, (ms, bytes, otherMs, otherBytes) => {
        const [id, other] = [newThreadId(ms, bytes), newThreadId(otherMs, otherBytes)]
        expect(threadIdFromBytes(threadIdBytes(id))).toBe(id)
        if (ms !== otherMs) expect(id < other).toBe(ms < otherMs)
      }),
    )
    for (const bad of [thread.toUpperCase(), thread.replace('-7001', '-4001'), `${thread}0`, '']) {
      expect(threadId.safeParse(bad).success).toBe(false)
    }
  })

  test('of threads name their opener and its time', () => {
    const [opener, other] = [signerOf(1).peer, signerOf(2).peer]
    const opened = openedThreadId(opener, 1_795_305_600_000)
    expect(opened).toBe(known.openedThread)
    expect(threadIdMs(opened)).toBe(1_795_305_600_000)
    expect([isOpenerOf(opened, opener), isOpenerOf(opened, other), isOpenerOf(thread, opener)]).toEqual([
      true,
      false,
      false,
    ])
  })

  test('of the parts of a long thread follow from the thread and the number alone, and name no opener', () => {
    const [opener] = [signerOf(1).peer]
    const opened = openedThreadId(opener, 1_795_305_600_000)
    const first = successorId(opened, 1)
    expect(first).toBe(known.successor)
    expect(threadIdMs(first)).toBe(threadIdMs(opened))
    expect(isOpenerOf(first, opener)).toBe(false)
    expect(new Set([opened, first, successorId(opened, 2), successorId(first, 1)]).size).toBe(4)
  })

  test('of turns and calls differ in every field', () => {
    const [a, b] = [agentIdOf('security', signerOf(1).peer), agentIdOf('security', signerOf(2).peer)]
    const base = { thread, phase: 'vote', round: 1, agent: a }
    const turns = [base, { ...base, phase: 'findings' }, { ...base, round: 2 }, { ...base, agent: b }].map(turnIdOf)
    expect(new Set(turns).size).toBe(4)
    const [turn] = turns
    if (turn === undefined) throw new Error('no turn')
    expect(
      new Set([callIdOf(turn, 0, 0), callIdOf(turn, 1, 0), callIdOf(turn, 0, 1), callIdOf(turn, 11, 0)]).size,
    ).toBe(4)
  })

  test('of agents name their peer', () => {
    const { peer } = signerOf(1)
    expect(parseAgentId(agentIdOf('senior_architect', peer))).toEqual({ name: 'senior_architect', peer })
    for (const bad of ['security', `Security@${peer}`, `@${peer}`, `security@${peer}x`, `a@b@${peer}`]) {
      expect(parseAgentId(bad), bad).toBeUndefined()
    }
  })
})

describe('periods', () => {
  test('are of UTC days and months, whatever the hour', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_799_999 }), (ms) => {
        const iso = new Date(ms).toISOString()
        expect(parsePeriod(dayPeriod(ms))).toEqual({ kind: 'day', label: iso.slice(0, 10) })
        expect(parsePeriod(monthPeriod(ms))).toEqual({ kind: 'month', label: iso.slice(0, 7) })
        expect(parsePeriod(agentDayPeriod('security', ms))).toMatchObject({ kind: 'agent-day', agent: 'security' })
      }),
    )
    expect(parsePeriod(threadPeriod(thread))).toEqual({ kind: 'thread', thread })
  })

  test('are refused when there is no such day', () => {
    for (const bad of [
      'd:2026-02-30',
      'd:2026-13-01',
      'm:2026-00',
      'd:2026-1-1',
      'x:2026-01-01',
      't:1',
      'a:2026-01-01',
      'd',
    ]) {
      expect(parsePeriod(bad), bad).toBeUndefined()
    }
  })
})
