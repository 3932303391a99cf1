import { encodeBatch, envelopeTopic, type PeerId, readEnvelope } from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MeshFact } from '../src/index.ts'
import { Faults, faultIn } from '../src/roster/faults.ts'
import { MemoryThreads } from './memory-threads.ts'
import { factsOf, identityOf, MESH, Network, stateOf, type TestNode, threadNamed, until } from './network.ts'
import { openRogue, type Rogue } from './rogue.ts'

const mallory = identityOf('mallory')
const THREAD = threadNamed('attacked')

describe('faults', () => {
  const refused: MeshFact = {
    type: 'envelope-refused',
    peer: mallory.signer.peer,
    way: 'repair',
    code: 'BAD_SIGNATURE',
    reason: '',
    author: null,
  }
  let nowMs = 0
  let shunned: [PeerId, number, string][]
  let faults: Faults
  beforeEach(() => {
    nowMs = 1_000
    shunned = []
    faults = new Faults({
      ...{ forgiveMs: 10_000, shunFirstMs: 30_000, shunMostMs: 600_000, nowMs: () => nowMs },
      onShunned: (...shun) => shunned.push(shun),
    })
  })
  const commit = (count: number) => {
    for (let i = 0; i < count; i++) faults.watch(refused)
  }

  it('are borne eight at a time, and one more is too many', () => {
    commit(8)
    expect(shunned).toEqual([])
    commit(1)
    expect(shunned).toEqual([[mallory.signer.peer, 30_000, expect.stringContaining('shunned for 30 s: ')]])
    expect(faults.leftMs(mallory.signer.peer)).toBe(30_000)
    nowMs += 29_000
    expect(faults.leftMs(mallory.signer.peer)).toBe(1_000)
    nowMs += 1_000
    expect(faults.leftMs(mallory.signer.peer)).toBe(0)
  })

  it('are forgiven one in ten seconds', () => {
    for (let i = 0; i < 100; i++, nowMs += 10_000) commit(1)
    commit(7)
    expect(shunned).toEqual([])
  })

  it('are answered with twice as long each time, up to ten minutes, and from the beginning after a good while', () => {
    for (let i = 0; i < 7; i++) {
      commit(9)
      nowMs += faults.leftMs(mallory.signer.peer)
    }
    expect(shunned.map(([, ms]) => ms / 1_000)).toEqual([30, 60, 120, 240, 480, 600, 600])
    nowMs += 600_001
    commit(9)
    expect(shunned.at(-1)?.[1]).toBe(30_000)
  })

  it('count nothing of what was on its way when it was sent away', () => {
    commit(500)
    expect(shunned).toHaveLength(1)
    expect(faults.leftMs(mallory.signer.peer)).toBe(30_000)
  })

  it.each([
    ['what gossip handed on unseen', { ...refused, way: 'gossip' as const }],
    ['what a member signed whom this node has not heard of', { ...refused, code: 'NOT_A_MEMBER' }],
    ['what only the CRDT here refused', { ...refused, code: 'CRDT_REFUSED' }],
    ['two changes with one number, which many hold until they hear of the other', { ...refused, code: 'EQUIVOCATION' }],
    [
      'a frame of a member that is new',
      { type: 'frame-refused' as const, peer: mallory.signer.peer, code: 'NOT_A_MEMBER', reason: '' },
    ],
  ])('are not: %s', (_what, fact) => {
    expect(faultIn(fact)).toBeUndefined()
  })
})

describe('a member that serves what no honest node can have stored', () => {
  let network: Network
  let ada: TestNode
  let rogue: Rogue
  beforeEach(async () => {
    network = new Network()
    network.enlist('ada')
    network.enlist('mallory')
    const timings = { graceMs: 60_000, redialFirstMs: 60_000, shunFirstMs: 2_000 }
    ada = await network.node('ada', { secret: null, timings })
    rogue = await openRogue(mallory, MESH)
  })
  afterEach(async () => {
    await rogue.close()
    await network.close()
  })
  const adas = () => stateOf(ada, mallory.signer.peer)
  const reason = () => ada.mesh.peers().find(({ peer }) => peer === mallory.signer.peer)?.reason

  async function linked() {
    const stream = await rogue.stream(ada)
    await stream.say(rogue.hello)
    await until(() => adas() === 'online')
    return stream
  }

  it('is sent away for a time that is told, and taken back after it', async () => {
    const stream = await linked()
    await stream.say({ t: 'envelopes', envelopes: forgeries(9) })
    await stream.ended
    await until(() => adas() === 'offline')
    expect(reason()).toBe(
      'shunned for 2 s: sent again and again envelopes that no node can have stored, the last BAD_SIGNATURE',
    )
    expect(factsOf(ada, 'peer-shunned')).toEqual([
      { type: 'peer-shunned', peer: mallory.signer.peer, ms: 2_000, reason: reason() },
    ])
    await until(() => rogue.host.getConnections().length === 0)
    await expect(rogue.stream(ada)).rejects.toThrow()
    expect(factsOf(ada, 'stranger-refused')).toEqual([])
    const isBack = () =>
      linked().then(
        () => true,
        () => false, // still sent away
      )
    await expect.poll(isBack, { timeout: 20_000, interval: 100 }).toBe(true)
    expect(reason()).toBeNull()
  })

  it('keeps its link for a few, and for what it may hand on unseen', async () => {
    const stream = await linked()
    await stream.say({ t: 'envelopes', envelopes: forgeries(8) })
    await until(() => factsOf(ada, 'envelope-refused').length === 8)
    const { pubsub } = rogue.host.services
    pubsub.subscribe(envelopeTopic(MESH))
    await until(() => pubsub.getSubscribers(envelopeTopic(MESH)).length > 0)
    await pubsub.publish(envelopeTopic(MESH), encodeBatch(forgeries(50)))
    await until(() => factsOf(ada, 'envelope-refused').length === 58)
    expect(adas()).toBe('online')
    expect(factsOf(ada, 'peer-shunned')).toEqual([])
  })
})

/** Envelopes of mallory's with one bit of the signature wrong, each another. */
function forgeries(count: number): Uint8Array<ArrayBuffer>[] {
  const threads = new MemoryThreads(MESH, mallory.signer)
  return Array.from({ length: count }, () => {
    const bytes = Uint8Array.from(threads.write(THREAD))
    const { sig } = readEnvelope(MESH, bytes)
    const at = Buffer.from(bytes).indexOf(Buffer.from(sig))
    bytes[at] = (bytes[at] ?? 0) ^ 1
    return bytes
  })
}
