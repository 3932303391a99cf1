import type { Budget, OwnSlot, Sighted } from '@bzzz/budget'
import type { BudgetPort, MeshEvent } from '@bzzz/mesh'
import { type BudgetThing, ProtocolError, type SignedThing, slotKey } from '@bzzz/protocols'
import type { Operation, Room } from '@bzzz/store'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type NodeSightings, openSightings, type SightingsFact } from '../../src/budget/sightings.ts'
import { day, ironwood, manifestOfThree, month, NOW, slotOf, walnut } from '../counter/budget-and-mesh.ts'

function memoryRoom(): Room & { readonly rows: Map<string, Uint8Array> } {
  const rows = new Map<string, Uint8Array>()
  return {
    name: 'sightings',
    rows,
    get: async (key) => rows.get(key),
    has: (key) => rows.has(key),
    async *entries() {
      yield* rows
    },
    async *keys() {
      yield* rows.keys()
    },
    write: async (operations: readonly Operation[]) => {
      for (const one of operations) {
        if ('put' in one) rows.set(one.put, one.value)
        else rows.delete(one.del)
      }
    },
  }
}

async function scene(room = memoryRoom()) {
  const manifest = await manifestOfThree()
  const sighted: SignedThing[] = []
  const passed: BudgetThing[] = []
  const told: BudgetThing[] = []
  const facts: SightingsFact[] = []
  const proofs: Uint8Array[] = []
  const own: OwnSlot[] = []
  const records = new Map<string, Uint8Array>()
  let listener: (event: MeshEvent) => void = () => undefined
  const world = { verdict: 'seen' as Sighted, forged: false }
  const budget: Pick<Budget, 'account' | 'sight' | 'seen' | 'seenOf' | 'forkProofs' | 'slots'> = {
    account: walnut,
    async sight(thing) {
      if (world.forged) throw new ProtocolError('BAD_SIGNATURE', 'forged')
      sighted.push(thing)
      if (world.verdict === 'forked') proofs.push(Uint8Array.of(proofs.length))
      return world.verdict
    },
    seen: () => sighted.slice(-1).map((thing) => ({ account: ironwood, thing })),
    seenOf: () => sighted.slice(-1),
    forkProofs: () => proofs,
    slots: async () => own,
  }
  const sightings: NodeSightings = await openSightings({
    ...{ room, mesh: manifest.mesh, budget, now: () => NOW },
    observe: (fact) => void facts.push(fact),
  })
  onTestFinished(() => sightings.close())
  const port = sightings.watching({
    grant: async () => ({ granting: { status: 'refused', code: 'nothing', reason: '' }, spare: [] }),
    receive: async (thing) => void passed.push(thing),
    greeting: () => [{ kind: 'grant', bytes: Uint8Array.of(1) }],
  } satisfies BudgetPort)
  const mesh = {
    subscribe: (heard: typeof listener) => {
      listener = heard
      return () => undefined
    },
    getRecord: async (key: Uint8Array) => records.get(Buffer.from(key).toString()),
    putRecord: async () => 1,
    tellBudget: (thing: BudgetThing) => void told.push(thing),
  }
  sightings.connect(mesh)
  const online = () => listener({ type: 'peer', status: { state: 'online' } } as MeshEvent)
  const put = (key: Uint8Array, bytes: Uint8Array) => void records.set(Buffer.from(key).toString(), bytes)
  return { manifest, room, world, port, sightings, sighted, passed, told, own, facts, proofs, mesh, put, online }
}

const slot: BudgetThing = { kind: 'slot', bytes: Uint8Array.of(7) }

test('a slot or an ack of another node is looked at before it is passed on, and what is forged is not', async () => {
  const { port, world, sighted, passed } = await scene()
  await port.receive(slot, ironwood.peer)
  await port.receive({ kind: 'ack', bytes: Uint8Array.of(8) }, ironwood.peer)
  expect(sighted.map(({ kind }) => kind)).toEqual(['slot', 'ack'])
  world.forged = true
  await expect(port.receive(slot, ironwood.peer)).rejects.toThrow(ProtocolError)
  expect(passed).toHaveLength(2)
})

test('what this node has signed, and is handed back by a peer, is passed on to nobody', async () => {
  const { port, world, passed } = await scene()
  world.verdict = 'own'
  await port.receive({ kind: 'ack', bytes: Uint8Array.of(8) }, ironwood.peer)
  expect(passed).toEqual([])
})

test('a proof that is found is told to everybody, once', async () => {
  const { port, world, told } = await scene()
  world.verdict = 'forked'
  await port.receive(slot, ironwood.peer)
  expect(told).toEqual([{ kind: 'fork', bytes: Uint8Array.of(0) }])
  world.verdict = 'seen'
  await port.receive(slot, ironwood.peer)
  expect(told).toHaveLength(1)
})

test('a proof that another hands on is not told again from here', async () => {
  const { port, proofs, told } = await scene()
  proofs.push(Uint8Array.of(1))
  await port.receive({ kind: 'fork', bytes: Uint8Array.of(1) }, ironwood.peer)
  await port.receive(slot, ironwood.peer)
  expect(told).toEqual([])
})

test('a peer is greeted with what it was seen to sign', async () => {
  const { port } = await scene()
  await port.receive(slot, ironwood.peer)
  expect(port.greeting(ironwood.peer)).toEqual([{ kind: 'grant', bytes: Uint8Array.of(1) }, slot])
})

test('what was seen is there after a restart', async () => {
  const first = await scene()
  await first.port.receive(slot, ironwood.peer)
  await first.sightings.close()
  expect(first.room.rows.size).toBe(1)
  const again = await scene(first.room)
  expect(again.sighted).toEqual([{ kind: 'slot', bytes: slot.bytes }])
})

test('the DHT is asked what this node has signed when a peer comes, and each slot found there is looked at', async () => {
  const { manifest, put, online, sighted, sightings, mesh } = await scene()
  const own = slotOf(manifest, walnut, day, '1')
  put(own.key, own.bytes)
  online()
  online()
  await vi.waitUntil(() => sighted.length > 0)
  const other = slotOf(manifest, ironwood, day, '2')
  put(other.key, other.bytes)
  const key = slotKey(manifest.mesh, day, ironwood)
  expect(await sightings.reading(mesh).getRecord(key, { signal: AbortSignal.timeout(1_000) })).toEqual(other.bytes)
  expect(sighted.map(({ bytes }) => bytes)).toEqual([own.bytes, other.bytes].map((bytes) => Uint8Array.from(bytes)))
})

test('peers are told this node’s day and month together, while it charges to them', async () => {
  vi.useFakeTimers({ now: NOW })
  onTestFinished(() => void vi.useRealTimers())
  const { manifest, own, told } = await scene()
  const ofBoth = (dollars: string) => [month, day].map((period) => slotOf(manifest, walnut, period, dollars))
  const things = (slots: readonly OwnSlot[]) => slots.map(({ bytes }): BudgetThing => ({ kind: 'slot', bytes }))
  own.push(...ofBoth('1'))
  await vi.advanceTimersByTimeAsync(120_000)
  expect(told).toEqual(things(own))
  own.splice(0, 2, ...ofBoth('2'))
  await vi.advanceTimersByTimeAsync(60_000)
  expect(told.slice(2)).toEqual(things(own))
})
