import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readJournal } from '../../src/cli/billing-journal.ts'
import { lostCall, usd } from '../http/mesh-of-three.ts'
import { nodeToAsk } from './node-to-ask.ts'

async function withLost(...calls: ReturnType<typeof lostCall>[]) {
  const node = await nodeToAsk()
  for (const call of calls) node.budget.calls.set(call.id, call)
  const stateOf = (call: { id: (typeof calls)[number]['id'] }) => node.budget.calls.get(call.id)
  return { ...node, stateOf }
}

describe('bzzz budget settle CALL', () => {
  it('takes the beginning of an id and what was billed', async () => {
    const lost = lostCall('a', 0.5)
    const { ask, stateOf } = await withLost(lost, lostCall('b', 0.5))
    const shown = await ask('budget', 'show', '--uncertain')
    expect(shown.out).toContain('2 calls of walnut may have been billed; $1.0000 is held')
    expect(shown.out).toContain(`${lost.id.slice(0, 12)}  `)
    expect(shown.out).toContain('req-a')
    const settled = await ask('budget', 'settle', lost.id.slice(0, 8), '--cost', '$0.0123')
    expect(settled).toEqual({
      code: 0,
      out: `call ${lost.id.slice(0, 12)} cost $0.0123; $0.5000 was held for it`,
      err: [],
    })
    expect(stateOf(lost)).toMatchObject({ state: 'settled', actual: usd(0.0123) })
    const again = await ask('budget', 'settle', lost.id, '--cost', '0.0123')
    expect(again.out).toContain('as was said before')
    const other = await ask('budget', 'settle', lost.id, '--not-billed')
    expect(other).toMatchObject({ code: 64, err: ['bzzz: that is final; nothing has changed'] })
  })

  it('does not take more than was held for the call without asking', async () => {
    const lost = lostCall('a', 0.5)
    const { ask, stateOf } = await withLost(lost)
    for (const name of [lost.id, lost.id.slice(0, 8)]) {
      const refused = await ask('budget', 'settle', name, '--cost', '12.3')
      expect(refused.code).toBe(64)
      expect(refused.err.join('\n')).toContain('At most $0.5000 was held for call')
    }
    expect(stateOf(lost)).toMatchObject({ state: 'uncertain' })
    expect(await ask('budget', 'settle', lost.id, '--cost', '12.3', '--yes')).toMatchObject({ code: 0, err: [] })
    expect(stateOf(lost)).toMatchObject({ actual: usd(12.3) })
  })

  it.each([
    [['budget', 'settle'], 64, 'name either a call or --journal FILE'],
    [['budget', 'settle', '3f9a1c07'], 64, 'say either --cost or --not-billed'],
    [['budget', 'settle', '3f9a1c07', '--cost', '1', '--not-billed'], 64, 'say either --cost or --not-billed'],
    [['budget', 'settle', 'walnut', '--cost', '1'], 64, 'a call is named by its id'],
    [['budget', 'settle', '3f9a1c07', '--cost', '1'], 66, 'no uncertain call of walnut begins with 3f9a1c07'],
    [['budget', 'settle', '0'.repeat(64), '--not-billed'], 66, 'no such call here'],
    [['budget', 'settle', '3f9a1c07', '--cost', 'a lot'], 64, 'an amount of dollars, like 0.0123'],
    [['budget', 'settle', '--journal', '/no/such/file'], 74, '/no/such/file cannot be read (ENOENT)'],
    [['budget', 'settle', '--journal', '/'], 74, '/ cannot be read (EISDIR); nothing was settled'],
  ])('%j ends with %i', async (args, code, words) => {
    const { ask } = await nodeToAsk()
    const ended = await ask(...args)
    expect(ended.code).toBe(code)
    expect(ended.err.join('\n')).toContain(words)
  })
})

describe('bzzz budget settle --journal', () => {
  it('settles what the provider lists, tells what does not fit, and changes nothing the second time', async () => {
    const [a, b, known, gone, late] = ['a', 'b', 'known', 'gone', 'late'].map((name) => lostCall(name, 0.5))
    if (!a || !b || !known || !gone || !late) throw new Error('there are five')
    // Held half a minute before the time that is named, it may have left after it.
    const later = { ...late, reservedMs: late.reservedMs + 1 }
    const { ask, stateOf, directory } = await withLost(a, b, gone, later, {
      ...known,
      state: 'settled',
      actual: usd(0.1),
    })
    const file = join(directory, 'billed.jsonl')
    const lines = [
      { call: a.id, cost_usd: 0.2, request: 'req-a' },
      { call: b.id.toUpperCase(), cost_usd: '0.3' },
      { call: known.id, cost_usd: 0.15 },
      { call: 'f'.repeat(64), cost_usd: 1 },
      { call: a.id, cost_usd: '0.20' },
    ]
    await writeFile(file, lines.map((line) => `${JSON.stringify(line)}\n`).join('\n'))
    const args = ['budget', 'settle', '--journal', file, '--rest-not-billed-before', '2026-11-22T11:59:30Z']
    const first = await ask(...args)
    expect(first).toMatchObject({ code: 0, err: [] })
    expect(first.out.split('\n')).toEqual([
      'settled 2 calls at $0.5000; $1.0000 was held for them',
      'settled 1 more as not billed; $0.5000 was held for them',
      '1 had their cost already, and keep it',
      `  ${known.id.slice(0, 12)}: the journal says $0.1500, $0.1000 is booked`,
      '1 are no calls of this node: settle them where they were made',
      '1 calls are still uncertain, at $0.5000',
    ])
    expect([a, b, gone, later].map((call) => stateOf(call)?.actual)).toEqual([usd(0.2), usd(0.3), 0n, null])
    const second = JSON.parse((await ask(...args, '--json')).out)
    expect(second).toMatchObject({ settled: 0, repeated: 2, held_usd: 0, left: { calls: 1, held_usd: 0.5 } })
  })

  const call = 'a'.repeat(64)
  it.each([
    ['garbage', 'billed.jsonl:1: not JSON'],
    [
      `{"call":"${call}","cost_usd":1}\n{"call":"${call}","cost_usd":2}`,
      'billed.jsonl:2: the call has another cost in line 1',
    ],
    ['{"call":"3f9a","cost_usd":1}', 'billed.jsonl:1: call: the id of a call'],
    [`\n{"call":"${call}"}`, 'billed.jsonl:2: cost_usd'],
    [`{"call":"${call}","cost_usd":-1}`, 'billed.jsonl:1: cost_usd'],
  ])('is refused whole when it says %j', (text, words) => {
    expect(() => readJournal(text, 'billed.jsonl')).toThrow(
      expect.objectContaining({ code: 'JOURNAL_INVALID', exitCode: 66 }),
    )
    expect(() => readJournal(text, 'billed.jsonl')).toThrow(words)
  })
})
