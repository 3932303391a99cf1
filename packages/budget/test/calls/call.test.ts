import { callIdOf, type LedgerEvent, type NanoUsd } from '@bzzz/protocols'
import { describe, expect, it } from 'vitest'
import { type Call, type CallCondition, type CallEvent, nextCall, reservedCall } from '../../src/calls/call.ts'
import { callOf } from '../bench.ts'

const { turn } = callOf(1, 'a')
const id = callIdOf(turn, 0, 0)
const price = {
  model: 'm',
  input: 1n as NanoUsd,
  cachedInput: 1n as NanoUsd,
  cacheWrite: 1n as NanoUsd,
  output: 1n as NanoUsd,
  tiers: [],
  table: new Uint8Array(32),
  simulated: false,
}
const reservation: Extract<LedgerEvent, { kind: 'reserved' }> = {
  ...{ kind: 'reserved', call: id, turn, step: 0, attempt: 0, thread: null, agent: 'architect', price },
  ...{ periods: ['d:2026-11-22' as never, 'm:2026-11' as never], max: 10n as NanoUsd },
}
const events: Record<CallEvent['kind'], CallEvent> = {
  sent: { kind: 'sent', call: id },
  settled: {
    kind: 'settled',
    call: id,
    amount: 7n as NanoUsd,
    usage: null,
    reply: 'r',
    evidence: 'none',
    providerRequestId: null,
  },
  uncertain: { kind: 'uncertain', call: id, reason: 'time-out', providerRequestId: null },
  released: { kind: 'released', call: id, reason: 'cancelled' },
}
const inState = (state: CallCondition): Call => ({ ...reservedCall(reservation, 1), state })

describe('a call', () => {
  it.each<[CallCondition, CallEvent['kind'], CallCondition | 'forbidden']>([
    ['reserved', 'sent', 'sent'],
    ['reserved', 'settled', 'forbidden'],
    ['reserved', 'uncertain', 'uncertain'],
    ['reserved', 'released', 'released'],
    ['sent', 'sent', 'forbidden'],
    ['sent', 'settled', 'settled'],
    ['sent', 'uncertain', 'uncertain'],
    ['sent', 'released', 'forbidden'],
    ['uncertain', 'sent', 'forbidden'],
    ['uncertain', 'settled', 'settled'],
    ['uncertain', 'uncertain', 'uncertain'],
    ['uncertain', 'released', 'forbidden'],
    ['settled', 'sent', 'forbidden'],
    ['settled', 'settled', 'settled'],
    ['settled', 'uncertain', 'settled'],
    ['settled', 'released', 'forbidden'],
    ['released', 'sent', 'forbidden'],
    ['released', 'settled', 'forbidden'],
    ['released', 'uncertain', 'released'],
    ['released', 'released', 'released'],
  ])('that is %s, at "%s", is then %s', (state, kind, then) => {
    const call = inState(state)
    if (then === 'forbidden') {
      expect(() => nextCall(call, events[kind])).toThrow(`is ${state}; it cannot become ${kind}`)
    } else {
      expect(nextCall(call, events[kind]).state).toBe(then)
    }
  })

  it('learns its cost when it is settled, and never again', () => {
    const settled = nextCall(inState('sent'), events.settled)
    expect(settled.actual).toBe(7n)
    expect(nextCall(settled, { ...events.settled, kind: 'settled', amount: 9n as NanoUsd } as CallEvent)).toBe(settled)
  })
})
