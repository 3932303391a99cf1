import { parseUsd, splitCap } from '@bzzz/budget'
import { newThreadId, type Period, ProtocolError, proveFork, sealSlot, type ThreadId } from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { identityFromSeed } from '../../src/identity/identity.ts'
import { callFor, type Home, type Homes, NOON, openHomes } from './homes.ts'

const DAY = 'd:2026-11-22' as Period
const QUICK = { interval: 5, timeout: 10_000 }

let mesh: Homes
let walnut: Home
let ironwood: Home
let acacia: Home
beforeEach(async () => {
  mesh = await openHomes([1, 4, 4])
  ;[walnut, ironwood, acacia] = mesh.homes as [Home, Home, Home]
  mesh.gossip()
})
afterEach(() => mesh.close())

/** Waits for money as a turn does. */
function waitFor(dollars: number, name: string, thread: ThreadId | null = null) {
  const patience = new AbortController()
  const call = { end: undefined as string | undefined, patience, lacks: 0 }
  void walnut.budget
    .reserve(callFor(dollars, name, thread), patience.signal, () => call.lacks++)
    .then(({ status }) => {
      call.end = status
    })
  return call
}

const ends = (call: { end: string | undefined }) => vi.waitUntil(() => call.end !== undefined, QUICK)

describe('a call that lacks rights', () => {
  it('has them within one question to the richest, and it is known who was asked', async () => {
    const call = waitFor(3, 'a')
    await ends(call)
    expect(call.end).toBe('reserved')
    expect(walnut.wires.whoWasAsked()).toEqual([
      { peer: expect.any(String), atMs: NOON, periods: expect.arrayContaining([DAY]), answer: 'granted', reason: null },
    ])
    expect(walnut.facts).toMatchObject([{ type: 'rights-sought', end: 'enough' }])
  })

  it('is not answered by those who are cut off, and goes on by itself when they are back', async () => {
    mesh.cut(walnut)
    const call = waitFor(3, 'a')
    await vi.waitUntil(() => call.lacks > 0, QUICK)
    expect(walnut.wires.reachable(DAY)).toBe(0n)
    expect(call.end).toBeUndefined()
    mesh.heal(walnut)
    await ends(call)
    expect(call.end).toBe('reserved')
  })

  it('is told as refused when its patience ends, and asks nobody any more', async () => {
    mesh.cut(walnut)
    const call = waitFor(3, 'a')
    await vi.waitUntil(() => call.lacks > 0, QUICK)
    call.patience.abort()
    await ends(call)
    expect(call.end).toBe('refused')
    expect(walnut.budget.waiting().calls).toEqual([])
  })

  it('gathers from all what no single one has', async () => {
    const call = waitFor(8.5, 'a')
    await ends(call)
    expect(call.end).toBe('reserved')
    expect(walnut.wires.whoWasAsked().map(({ answer }) => answer)).toEqual(['granted', 'granted'])
  })
})

describe('a call that waits although nobody has what it lacks', () => {
  it('goes on when the limit is raised', async () => {
    const call = waitFor(10, 'a')
    await vi.waitUntil(() => call.lacks > 0, QUICK)
    await mesh.limitDay('12')
    mesh.gossip()
    await ends(call)
    expect(call.end).toBe('reserved')
  })

  it('goes on in the next day', async () => {
    await Promise.all(mesh.homes.map(({ budget }, i) => budget.reserve(callFor(i === 0 ? 1 : 4, `x${i}`))))
    mesh.gossip()
    const call = waitFor(2, 'a')
    await vi.waitUntil(() => call.lacks > 0, QUICK)
    mesh.clock.ms += 13 * 3_600_000
    mesh.gossip()
    await ends(call)
    expect(call.end).toBe('reserved')
  })
})

describe('a grant whose answer was lost', () => {
  it('comes again on the next link, and is credited once', async () => {
    walnut.loseAnswer = true
    acacia.budget.spare()
    const call = waitFor(3, 'a')
    await vi.waitUntil(() => walnut.wires.whoWasAsked().length > 0, QUICK)
    expect(walnut.wires.whoWasAsked()[0]?.answer).toBe('silent')
    mesh.cut(walnut)
    mesh.heal(walnut)
    mesh.heal(walnut)
    await ends(call)
    expect(call.end).toBe('reserved')
    // The other donor's answer may have been enough, while the lost grant is still on its way, or more is asked for.
    await walnut.wires.close()
    await mesh.arrived()
    const given = [ironwood, acacia].map(({ budget }) => budget.report().periods.find(({ period }) => period === DAY))
    const taken = walnut.budget.report().periods.find(({ period }) => period === DAY)
    expect(taken?.received).toBe(given.reduce((sum, line) => sum + (line?.granted ?? 0n), 0n))
  })
})

describe("a thread's cap", () => {
  const thread = newThreadId(NOON, new Uint8Array(10))
  const cap = () =>
    splitCap(
      parseUsd('0.10'),
      mesh.homes.map(({ account }) => ({ account, weight: 1 })),
    )

  it('that is used up at one home goes on with what the other homes have of it, and never beyond', async () => {
    for (const { wires } of mesh.homes) await wires.forTurns.openThread(thread, cap())
    mesh.gossip()
    const call = waitFor(0.09, 'a', thread)
    await ends(call)
    expect(call.end).toBe('reserved')
    const more = waitFor(0.02, 'b', thread)
    await vi.waitUntil(() => more.lacks > 0, QUICK)
    mesh.gossip()
    expect(more.end).toBeUndefined()
    more.patience.abort()
    await ends(more)
  })

  it('in three partitions is spent by each home up to its share', async () => {
    for (const { wires } of mesh.homes) await wires.forTurns.openThread(thread, cap())
    for (const home of mesh.homes) mesh.cut(home)
    for (const { budget } of mesh.homes) {
      expect(await budget.reserve(callFor(0.033, 'a', thread))).toMatchObject({ status: 'reserved' })
      expect(await budget.reserve(callFor(0.001, 'b', thread))).toMatchObject({ status: 'refused', by: 'thread' })
    }
  })

  it('is asked for also where a card has no room to name the thread', async () => {
    for (const { wires } of mesh.homes) await wires.forTurns.openThread(thread, cap())
    for (let n = 1; n <= 20; n++) {
      const other = newThreadId(NOON + n, new Uint8Array(10))
      for (const { wires } of [ironwood, acacia]) await wires.forTurns.openThread(other, cap())
    }
    expect(ironwood.budget.spare().map(({ period }) => period)).not.toContain(`t:${thread}`)
    mesh.gossip()
    const call = waitFor(0.09, 'a', thread)
    await ends(call)
    expect(call.end).toBe('reserved')
  })
})

describe('what is handed on', () => {
  const receive = (kind: 'grant' | 'fork', bytes: Uint8Array) =>
    walnut.wires.port.receive({ kind, bytes }, ironwood.peer)

  it('and is not genuine is an error of whoever hands it on; what is old is passed over', async () => {
    await expect(receive('grant', Uint8Array.of(1))).rejects.toThrow(ProtocolError)
    await expect(receive('fork', Uint8Array.of(1))).rejects.toThrow(ProtocolError)
    await ends(waitFor(3, 'a'))
    const [grant] = ironwood.budget.grantsTo(walnut.account).concat(acacia.budget.grantsTo(walnut.account))
    await expect(receive('grant', grant ?? new Uint8Array())).resolves.toBeUndefined()
    const forged = Uint8Array.from(grant ?? [])
    forged[forged.length - 1] = (forged.at(-1) ?? 0) ^ 1
    await expect(receive('grant', forged)).rejects.toThrow(ProtocolError)
  })

  it('and is for others goes to whoever is interested', async () => {
    const heard: string[] = []
    walnut.wires.hooks.onAck = async (bytes, from) => void heard.push(`ack ${bytes.length} ${from === ironwood.peer}`)
    await walnut.wires.port.receive({ kind: 'ack', bytes: Uint8Array.of(1, 2) }, ironwood.peer)
    await walnut.wires.port.receive({ kind: 'slot', bytes: Uint8Array.of(1) }, ironwood.peer)
    expect(heard).toEqual(['ack 2 true'])
  })

  it('and proves that an account is in use twice reaches those who are not linked to the one who found it', async () => {
    const { mesh: id } = mesh.manifest
    const signer = identityFromSeed(new Uint8Array(32).fill(2))
    const slot = (reserved: bigint) =>
      sealSlot(
        {
          ...{ v: 1, period: DAY, account: ironwood.account, boot: ironwood.budget.boot, seq: 999, manifestVersion: 1 },
          ...{ prevHash: null, wallMs: NOON, state: 'open', initial: 0n as never, granted: [], received: [] },
          ...{ reserved: reserved as never, released: 0n as never, overrun: 0n as never },
        },
        id,
        signer,
      )
    const [first, second] = [slot(1n), slot(2n)].map((bytes) => ({
      kind: 'slot' as const,
      bytes: Uint8Array.from(bytes),
    }))
    if (first === undefined || second === undefined) throw new Error('no slots')
    const proof = proveFork(first, second, id)?.bytes ?? new Uint8Array()
    await receive('fork', proof)
    await vi.waitUntil(() => acacia.budget.forkProofs().length === 1, QUICK)
    expect(walnut.wires.port.greeting(acacia.peer).map(({ kind }) => kind)).toContain('fork')
    expect(
      await acacia.budget.grant({
        to: { account: ironwood.account, boot: ironwood.budget.boot },
        sinceMs: 0,
        perSecond: 0,
        needs: [{ period: DAY, least: 1n as never, want: 1n as never, credited: 0n as never }],
      }),
    ).toMatchObject({ code: 'forked' })
  })
})
