import { expect, it } from 'vitest'
import { acacia, ironwood, lineOf, lostCall, NOW, usd, waitingCall } from '../http/mesh-of-three.ts'
import { nodeToAsk } from './node-to-ask.ts'

async function withWaiting() {
  const node = await nodeToAsk()
  const { budget, asked } = node
  const day = lineOf('day', 'd:2026-11-22', 33, 2.5, 0.25)
  budget.running = [
    { ...day, rights: usd(34), received: usd(2), granted: usd(1), available: usd(31.25) },
    lineOf('month', 'm:2026-11', 333, 40, 0.25),
  ]
  const lost = lostCall('a', 0.25)
  budget.calls.set(lost.id, lost)
  budget.waits.push(waitingCall('b', 40, 8.75))
  const periods = ['d:2026-11-22' as never]
  asked.push({ peer: ironwood, atMs: NOW - 2_000, periods, answer: 'nothing', reason: 'all of it is spent' })
  return node
}

/** What differs from run to run: the test's clock is not the command line's. */
const steady = (text: string) => text.replaceAll(/\d+ (s|min|h) ago|20\d\d-\d\d-\d\d$/gm, 'then')

it('bzzz budget show tells the mesh’s spending by node, what this node may spend and why, and what waits', async () => {
  const { ask } = await withWaiting()
  const { code, out } = await ask('budget', 'show', '--by', 'agent')
  expect(code).toBe(0)
  expect(steady(out).split('\n')).toEqual([
    "2026-11-22 (UTC), this node: ok; all of today's calls here are play money, which counts like dollars",
    'day 2026-11-22  the mesh spent at least $12.7500 of $100.0000, at most $45.0833 (no figures from acacia)',
    '    node            may spend  spent, held  left            as of',
    '    walnut          $34.0000   $2.7500      $31.2500        then',
    '    ironwood        $33.0000   $10.0000     $23.0000        then',
    '    acacia    away  $33.3333   not told     up to $33.3333  -',
    '  this node  may spend $34.0000 (allotted $33.0000, received $2.0000, gave away $1.0000): spent $2.5000, held $0.2500, available $31.2500',
    expect.stringMatching(/^month 2026-11 {2}the mesh spent/),
    ...Array(4).fill(expect.any(String)),
    '  this node  may spend $333.0000: spent $40.0000, held $0.2500, available $292.7500',
    '  of what this node spent today, $0.5000 is the bound of calls whose server did not plainly say what they used',
    '  1 call of this node may have been billed and hold $0.2500: see "bzzz budget show --uncertain"',
    '  1 call waits for rights, the oldest since then (architect needs $40.0000): see "bzzz budget why"',
    'agent                   spent    held     calls  tokens in  tokens out',
    'architect (play money)  $2.5000  $0.2500  3      900        80',
  ])
})

it('bzzz budget show says at least of what an away node told before it went', async () => {
  const { ask, world, budget } = await nodeToAsk()
  budget.running = [lineOf('day', 'd:2026-11-22', 33, 2.5, 0.25)]
  world.slots.set(acacia, { charged: 3, wallMs: NOW - 60_000 })
  expect((await ask('budget', 'show')).out).toContain(
    'the mesh spent at least $15.7500 of $100.0000, at most $46.0833 (old figures from acacia)',
  )
})

it('bzzz budget show tells what was lost with ledgers that were given up', async () => {
  const { ask, world, budget } = await nodeToAsk()
  budget.running = [lineOf('day', 'd:2026-11-22', 33, 2.5, 0.25)]
  world.slots.set(acacia, { charged: 3, lost: 30.333333333, wallMs: NOW - 60_000 })
  expect((await ask('budget', 'show')).out.split('\n')[2]).toBe('  lost with given-up ledgers: $30.3333')
})

it('a node that makes no call at all says so, and what to do, wherever it is asked', async () => {
  const { ask, budget } = await nodeToAsk()
  budget.standstill = 'a copy of it is in use: stop that'
  expect((await ask('budget', 'show')).out.split('\n').slice(0, 2)).toEqual([
    "2026-11-22 (UTC), this node: frozen; all of today's calls here are play money, which counts like dollars",
    '  no call is made: a copy of it is in use: stop that',
  ])
  expect((await ask('budget', 'why')).out).toBe('No call is made at walnut: a copy of it is in use: stop that')
  expect((await ask('status')).out).toContain('budget    frozen (see "bzzz budget show"): ')
})

it('of a frozen model bzzz budget show and why say the same, with what to do', async () => {
  const { ask, budget } = await nodeToAsk()
  budget.frozenModels = [{ model: 'gpt', billed: usd(0.75), held: usd(0.25) }]
  const words =
    '  gpt is frozen on this node: $0.75 was billed for a call that could cost $0.25; correct its price in the price file and start the node again'
  for (const command of ['show', 'why']) expect((await ask('budget', command)).out.split('\n')).toContain(words)
})

it('bzzz owner show says what all nodes together may still spend, which is not what was given out less what was spent', async () => {
  const { ask } = await nodeToAsk()
  expect((await ask('owner', 'show')).out).toContain(
    'today           at most $23.00 more ($10.00 of $40.00 spent or held; $13.00 above the limit had been given out before)',
  )
})

it('bzzz budget why says what a call waits for, who was asked, and what to do', async () => {
  const { ask } = await withWaiting()
  const { code, out } = await ask('budget', 'why')
  expect(code).toBe(0)
  const lines = steady(out).split('\n')
  expect(lines[0]).toBe('architect waits: the day is spent; no node that is reached is known to have so much.')
  expect(lines).toContain('  ironwood then: nothing: all of it is spent')
  expect(lines.slice(lines.indexOf('what would let it go on:') + 1)).toEqual([
    '  1 call of this node may have been billed and hold $0.25: say what they cost: bzzz budget settle --journal FILE',
    '  of 2026-11-22 there is left: ironwood $23.00; they are asked every few seconds',
    '  acacia is away with up to $33.3333 of 2026-11-22: it can give when it is back',
    '  $8.75 is missing of 2026-11-22: raise the limit of $100.00, on the machine with the owner key: bzzz budget raise day 108.75',
    '  the next day begins at 2026-11-23T00:00 UTC',
  ])
  const unknown = await ask('budget', 'why', 'f'.repeat(64))
  expect(unknown).toMatchObject({ code: 66, out: '' })
  expect(unknown.err[0]).toContain('walnut has no thread, made no call')
})
