import { createServer } from 'node:net'
import type { MeshId } from '@bzzz/protocols'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { MeshTimings } from '../src/index.ts'
import { allOnline, factsOf, Network, namesInOrder, stateOf, type TestNode, until } from './network.ts'
import { openProxy } from './proxy.ts'

let network: Network
beforeEach(() => {
  network = new Network()
})
afterEach(() => network.close())

function reasonAt(node: TestNode, peer: string): string {
  return node.mesh.peers().find((status) => status.peer === peer)?.reason ?? ''
}

describe('a peer that restarts', () => {
  it.each(['lower', 'higher'])('on another port is found again when its id is the %s one', async (which) => {
    const [low, high] = namesInOrder('ada', 'bob') as [string, string]
    const [leaving, staying] = which === 'lower' ? [low, high] : [high, low]
    const nodes = await network.nodes([leaving, staying])
    await until(() => allOnline(nodes))
    const [before, stayed] = nodes as [TestNode, TestNode]
    await before.mesh.close()
    await until(() => stateOf(stayed, before.peer) === 'offline', 1_000)

    const after = await network.node(leaving)
    expect(after.port).not.toBe(before.port)
    await until(() => allOnline([after, stayed]))
    await until(() => stayed.mesh.cards().some(({ card, live }) => card.peer === after.peer && live))
  })

  it('on the same port is dialled again, however long it was away', async () => {
    const [low, high] = namesInOrder('ada', 'bob') as [string, string]
    const nodes = await network.nodes([high, low], { timings: { graceMs: 60_000 } })
    await until(() => allOnline(nodes))
    const [before, stayed] = nodes as [TestNode, TestNode]
    await before.mesh.close()
    await until(() => factsOf(stayed, 'dial-failed').length >= 5)
    expect(reasonAt(stayed, before.peer)).toBe(`/ip4/127.0.0.1/tcp/${before.port}: nobody listens there`)
    expect(Math.max(...factsOf(stayed, 'dial-failed').map(({ retryMs }) => retryMs))).toBe(400)

    const after = await network.node(high, {
      listen: [`/ip4/127.0.0.1/tcp/${before.port}`],
      timings: { graceMs: 60_000 },
    })
    await until(() => allOnline([after, stayed]))
  })
})

describe('a link that goes silent', () => {
  const far = { dialMs: 500, graceMs: 60_000 }

  /** Two nodes with a piece of network between them. */
  async function apart(timings: Partial<MeshTimings>) {
    const [low, high] = namesInOrder('ada', 'bob') as [string, string]
    network.enlist(low)
    network.enlist(high)
    const callee = await network.node(high, { timings })
    const proxy = await openProxy(callee.port)
    const caller = await network.node(low, { timings, memberAddrs: () => [`/ip4/127.0.0.1/tcp/${proxy.port}`] })
    await until(() => allOnline([caller, callee]))
    return { caller, callee, proxy }
  }

  it('shows offline on both sides after two unanswered pings', async () => {
    const { caller, callee, proxy } = await apart({ ...far, pingMs: 200 })
    proxy.swallow()
    const started = performance.now()
    await until(() => stateOf(caller, callee.peer) !== 'online' && stateOf(callee, caller.peer) !== 'online')
    expect(performance.now() - started).toBeLessThan(3_000)
    for (const node of [caller, callee]) {
      expect(factsOf(node, 'peer-offline').map(({ reason }) => reason)).toEqual(['silent: 2 pings without an answer'])
    }
    proxy.close()
  })

  it('does not hold up closing', async () => {
    const { caller, callee, proxy } = await apart(far)
    proxy.swallow()
    const started = performance.now()
    await Promise.all([caller.mesh.close(), callee.mesh.close()])
    expect(performance.now() - started).toBeLessThan(2_000)
    proxy.close()
  })
})

describe('whoever does not belong', () => {
  it('is refused and counted when no member has its key, and is told so in words', async () => {
    const member = await network.node('ada', { listen: ['/ip4/127.0.0.1/tcp/0'] })
    network.enlist('ada', [...member.mesh.addrs()])
    const others = new Network()
    try {
      others.enlist('ada', [...member.mesh.addrs()])
      others.enlist('eve')
      const stranger = await others.node('eve')
      await until(() => factsOf(member, 'stranger-refused').some(({ peer }) => peer === stranger.peer))
      await until(() => reasonAt(stranger, member.peer).includes('this node may not be a member there'))
      expect(member.mesh.peers()).toEqual([])
    } finally {
      await others.close()
    }
  })

  it('is cut off as soon as it is no longer a member', async () => {
    const nodes = await network.nodes(['ada', 'bob'])
    await until(() => allOnline(nodes))
    const [ada, bob] = nodes as [TestNode, TestNode]
    network.members.delete(bob.peer)
    await until(() => factsOf(ada, 'peer-offline').some(({ reason }) => reason === 'no longer a member'))
    expect(ada.mesh.cards().map(({ card }) => card.label)).toEqual(['ada'])
  })

  it('by another network secret shows as such within the dial time, not as a hang', async () => {
    const [low, high] = namesInOrder('ada', 'bob') as [string, string]
    network.enlist(low)
    network.enlist(high)
    const callee = await network.node(high, { secret: Buffer.alloc(32, 1), timings: { graceMs: 60_000 } })
    const caller = await network.node(low, { secret: Buffer.alloc(32, 2), timings: { dialMs: 700 } })
    await until(() => reasonAt(caller, callee.peer) !== '', 5_000)
    expect(reasonAt(caller, callee.peer)).toBe(
      `reached /ip4/127.0.0.1/tcp/${callee.port}, no answer: wrong secret, or not a bzzz node`,
    )
  })

  it('by being no bzzz node at all shows likewise', async () => {
    const mute = createServer()
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    const { port } = mute.address() as { port: number }
    const [low, high] = namesInOrder('ada', 'bob') as [string, string]
    network.enlist(low)
    const missing = network.enlist(high, [`/ip4/127.0.0.1/tcp/${port}`])
    const caller = await network.node(low, { timings: { dialMs: 500 } })
    await until(() => reasonAt(caller, missing).startsWith('reached'), 5_000)
    expect(reasonAt(caller, missing)).toContain('wrong secret, or not a bzzz node')
    await caller.mesh.close()
    mute.close()
  })

  it('by being another node than the address promised shows as such', async () => {
    const [low, high] = namesInOrder('ada', 'bob') as [string, string]
    const other = await network.node('cyd', { timings: { graceMs: 60_000 } })
    network.enlist(low)
    const missing = network.enlist(high, [`/ip4/127.0.0.1/tcp/${other.port}`])
    const caller = await network.node(low)
    await until(() => reasonAt(caller, missing).endsWith('another node answers there'), 5_000)
  })

  it('by another mesh on the same network shows as a node of another mesh', async () => {
    const [low, high] = namesInOrder('ada', 'bob') as [string, string]
    network.enlist(low)
    network.enlist(high)
    const callee = await network.node(high, { mesh: 'ab'.repeat(32) as MeshId, timings: { graceMs: 60_000 } })
    const caller = await network.node(low)
    await until(() => reasonAt(caller, callee.peer).includes('a node of another mesh'), 5_000)
  })
})

describe('one connection for each pair', () => {
  it('is what remains when both sides dial at the same time', async () => {
    const nodes = await network.nodes(['ada', 'bob', 'cyd'], { timings: { graceMs: 0 } })
    await until(() => allOnline(nodes))
    for (const node of nodes) {
      const came = factsOf(node, 'peer-online').length
      const went = factsOf(node, 'peer-offline').length
      expect(came - went).toBe(2)
    }
  })
})
