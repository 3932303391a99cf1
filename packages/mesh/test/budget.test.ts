import {
  type BudgetThing,
  type GrantAnswer,
  type GrantRequest,
  type Incarnation,
  type PeerId,
  type Period,
  ProtocolError,
} from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { BudgetPort } from '../src/index.ts'
import { allOnline, factsOf, INCARNATION, identityOf, MESH, Network, type TestNode, until } from './network.ts'
import { openRogue } from './rogue.ts'

const DAY = 'd:2026-11-22' as Period
const NOTHING: GrantAnswer = { granting: { status: 'refused', code: 'nothing', reason: 'nothing is left' }, spare: [] }

/** Answers as it is told to, and remembers what it heard. */
class MemoryBudget implements BudgetPort {
  readonly heard: { thing: BudgetThing; from: PeerId }[] = []
  readonly asked: { request: GrantRequest; from: PeerId }[] = []
  answer: () => Promise<GrantAnswer> = async () => NOTHING
  refuses: Error | undefined
  known: BudgetThing[] = []

  async grant(request: GrantRequest, from: PeerId): Promise<GrantAnswer> {
    this.asked.push({ request, from })
    return await this.answer()
  }

  async receive(thing: BudgetThing, from: PeerId): Promise<void> {
    if (this.refuses !== undefined) throw this.refuses
    this.heard.push({ thing: { ...thing, bytes: Uint8Array.from(thing.bytes) }, from })
  }

  greeting(): readonly BudgetThing[] {
    return this.known
  }
}

let network: Network
beforeEach(() => {
  network = new Network()
})
afterEach(() => network.close())

const signal = new AbortController().signal

function requestOf(name: string): GrantRequest {
  const account = { peer: identityOf(name).signer.peer, incarnation: INCARNATION }
  const need = { period: DAY, least: 5n as never, want: 9n as never, credited: 0n as never }
  return {
    to: { account, boot: { counter: 1, nonce: INCARNATION as Incarnation } },
    sinceMs: 7,
    perSecond: 3,
    needs: [need],
  }
}

function thing(kind: BudgetThing['kind'], byte: number): BudgetThing {
  return { kind, bytes: Uint8Array.of(byte) }
}

async function two(): Promise<{ ada: TestNode; bob: TestNode; adas: MemoryBudget; bobs: MemoryBudget }> {
  const [adas, bobs] = [new MemoryBudget(), new MemoryBudget()]
  for (const name of ['ada', 'bob']) network.enlist(name)
  adas.known = [thing('ack', 1), thing('grant', 2)]
  const ada = await network.node('ada', { budget: adas })
  const bob = await network.node('bob', { budget: bobs })
  await until(() => allOnline([ada, bob]))
  return { ada, bob, adas, bobs }
}

describe('a request for rights', () => {
  it('is answered over the direct stream, with what the donor has left', async () => {
    const { ada, bob, bobs } = await two()
    const grants = [Uint8Array.of(1, 2, 3)]
    const spare = [{ period: DAY, amount: (2n ** 60n) as never }]
    bobs.answer = async () => ({ granting: { status: 'granted', grants }, spare })
    const answer = await ada.mesh.askGrant(bob.peer, requestOf('ada'), { signal })
    expect(answer).toMatchObject({ granting: { status: 'granted' }, spare })
    expect(bobs.asked).toEqual([{ request: requestOf('ada'), from: ada.peer }])
    expect(factsOf(ada, 'grant-asked')).toMatchObject([{ peer: bob.peer, answered: true }])
  })

  it('in the name of another peer ends the link, and nobody is asked', async () => {
    const { ada, bob, bobs } = await two()
    expect(await ada.mesh.askGrant(bob.peer, requestOf('bob'), { signal })).toBeUndefined()
    await until(() => factsOf(bob, 'frame-refused').length === 1)
    expect(bobs.asked).toEqual([])
  })

  it('to a node that is away, or whose link ends, has no answer; one that is given up throws', async () => {
    const { ada, bob, bobs } = await two()
    const held = Promise.withResolvers<GrantAnswer>()
    bobs.answer = () => held.promise
    expect(await ada.mesh.askGrant(identityOf('eve').signer.peer, requestOf('ada'), { signal })).toBeUndefined()
    const giveUp = new AbortController()
    const given = ada.mesh.askGrant(bob.peer, requestOf('ada'), { signal: giveUp.signal })
    await until(() => bobs.asked.length === 1)
    giveUp.abort(new Error('given up'))
    await expect(given).rejects.toThrow('given up')
    held.resolve(NOTHING)
  })

  it('that the donor cannot write down is refused as unable; more at once than a search has, as too often', async () => {
    const { ada, bob, bobs } = await two()
    bobs.answer = async () => Promise.reject(new Error('the disk is full'))
    const ask = () => ada.mesh.askGrant(bob.peer, requestOf('ada'), { signal })
    expect(await ask()).toMatchObject({ granting: { code: 'unable', reason: 'the disk is full' } })
    expect(factsOf(bob, 'budget-failed')).toMatchObject([{ peer: ada.peer }])
    const held = Promise.withResolvers<GrantAnswer>()
    bobs.answer = () => held.promise
    const asking = Array.from({ length: 4 }, ask)
    await until(() => bobs.asked.length === 5)
    expect(await ask()).toMatchObject({ granting: { code: 'too-often' } })
    held.resolve(NOTHING)
    expect(await Promise.all(asking)).toEqual([NOTHING, NOTHING, NOTHING, NOTHING])
  })
})

describe('what accounts sign', () => {
  it('is told on each new link, and later to one or to all', async () => {
    const { ada, bob, bobs } = await two()
    await until(() => bobs.heard.length >= 2)
    expect(bobs.heard.slice(0, 2)).toEqual(
      ['ack', 'grant'].map((kind, i) => ({ thing: { kind, bytes: Uint8Array.of(i + 1) }, from: ada.peer })),
    )
    const before = bobs.heard.length
    ada.mesh.tellBudget(thing('slot', 3))
    ada.mesh.tellBudget(thing('fork', 4), bob.peer)
    await until(() => bobs.heard.length === before + 2)
    expect(bobs.heard.slice(before).map(({ thing: { kind } }) => kind)).toEqual(['slot', 'fork'])
  })

  it('that is not genuine ends the link of whoever handed it on; what the own ledger does not take does not', async () => {
    const { ada, bob, bobs } = await two()
    await until(() => bobs.heard.length >= 2)
    bobs.refuses = new Error('the disk is full')
    ada.mesh.tellBudget(thing('grant', 3))
    await until(() => factsOf(bob, 'budget-failed').length === 1)
    expect(factsOf(bob, 'frame-refused')).toEqual([])
    bobs.refuses = new ProtocolError('BAD_SIGNATURE', 'not of its donor')
    ada.mesh.tellBudget(thing('grant', 3))
    await until(() => factsOf(bob, 'frame-refused').length >= 1)
    expect(factsOf(bob, 'frame-refused')[0]).toMatchObject({ peer: ada.peer, code: 'BAD_SIGNATURE' })
    bobs.refuses = undefined
  })
})

it('a laptop neither asks nor is told, and loses its link when it tries', async () => {
  network.enlist('mallory')
  network.members.set(identityOf('mallory').signer.peer, {
    peer: identityOf('mallory').signer.peer,
    label: 'mallory',
    role: 'laptop',
    addrs: [],
  })
  network.enlist('ada')
  const budget = new MemoryBudget()
  budget.known = [thing('ack', 1)]
  const ada = await network.node('ada', { secret: null, budget })
  const rogue = await openRogue(identityOf('mallory'), MESH)
  const stream = await rogue.stream(ada)
  await stream.say(rogue.hello)
  await stream.say({ t: 'grant-ask', n: 1, request: requestOf('mallory') })
  await stream.ended
  expect(factsOf(ada, 'frame-refused')).toMatchObject([{ code: 'NOT_A_MEMBER' }])
  expect(await ada.mesh.askGrant(identityOf('mallory').signer.peer, requestOf('ada'), { signal })).toBeUndefined()
  expect(budget.asked).toEqual([])
  await rogue.close()
})
