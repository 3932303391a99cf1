import type { Mesh, PeerStatus } from '@bzzz/mesh'
import type { PeerId, ThreadId } from '@bzzz/protocols'
import { expect, it } from 'vitest'
import { gaugeMesh, observeMesh } from '../../src/telemetry/mesh.ts'
import { instrumentsUnderTest } from './lines.ts'

const peer = '12D3KooWpeer' as PeerId
const thread = 'thread' as ThreadId

it('counts envelopes by way and outcome', async () => {
  const { instruments, metrics } = instrumentsUnderTest()
  const observe = observeMesh(instruments)
  observe({ type: 'envelope-received', peer, way: 'gossip', status: 'applied', thread })
  observe({ type: 'envelope-received', peer, way: 'repair', status: 'repeat', thread })
  observe({ type: 'batch-published', envelopes: 3, bytes: 900, recipients: 2, direct: 1 })
  observe({ type: 'envelopes-dropped', peer, way: 'publish', envelopes: 5 })
  observe({ type: 'tokens-published', recipients: 2, bytes: 400 })
  observe({ type: 'tokens-dropped', peer })
  expect(await metrics()).toEqual([
    'bzzz_mesh_published_envelopes_total 3',
    'bzzz_mesh_published_bytes_total 900',
    'bzzz_mesh_received_envelopes_total{way="gossip",status="applied"} 1',
    'bzzz_mesh_received_envelopes_total{way="repair",status="repeat"} 1',
    'bzzz_mesh_dropped_envelopes_total{way="publish"} 5',
    'bzzz_mesh_tokens_published_total 1',
    'bzzz_mesh_tokens_dropped_total 1',
  ])
})

it('warns of everything it refuses, and counts it by what and why', async () => {
  const { instruments, metrics, lines } = instrumentsUnderTest()
  const observe = observeMesh(instruments)
  observe({ type: 'stranger-refused', peer, address: '/ip4/10.0.0.1' })
  observe({ type: 'envelope-refused', peer, way: 'direct', code: 'BAD_SIGNATURE', reason: 'no', author: null })
  observe({ type: 'tokens-refused', peer, code: 'TOO_LARGE', reason: 'no' })
  expect(await metrics()).toEqual([
    'bzzz_mesh_refused_total{what="stranger",code="NOT_A_MEMBER"} 1',
    'bzzz_mesh_refused_total{what="envelope",code="BAD_SIGNATURE"} 1',
    'bzzz_mesh_refused_total{what="tokens",code="TOO_LARGE"} 1',
  ])
  expect(lines).toMatchObject([
    { level: 'warn', msg: 'stranger refused', peer },
    { level: 'warn', msg: 'envelope refused', code: 'BAD_SIGNATURE', way: 'direct' },
    { level: 'warn', msg: 'tokens refused', code: 'TOO_LARGE' },
  ])
})

it('says the same of the same peer once a minute, with how often it was, and counts it each time', async () => {
  const { instruments, metrics, lines, clock } = instrumentsUnderTest()
  const observe = observeMesh(instruments)
  const refuse = (by: PeerId) =>
    observe({ type: 'envelope-refused', peer: by, way: 'gossip', code: 'BAD_SIGNATURE', reason: 'no', author: null })
  for (let i = 0; i < 1_000; i++) refuse(peer)
  refuse('12D3KooWother' as PeerId)
  expect(lines).toMatchObject([{ peer }, { peer: '12D3KooWother' }])
  clock.ms = 60_000
  refuse(peer)
  expect(lines.at(-1)).toMatchObject({ peer, not_logged_since: 999 })
  expect(lines).toHaveLength(3)
  expect(await metrics()).toEqual(['bzzz_mesh_refused_total{what="envelope",code="BAD_SIGNATURE"} 1002'])
})

it('counts peers by state when asked', async () => {
  const { instruments, metrics } = instrumentsUnderTest()
  const states: PeerStatus['state'][] = ['online', 'online', 'offline']
  const peers = () => states.map((state) => ({ state })) as unknown as ReturnType<Mesh['peers']>
  gaugeMesh(instruments.registry, { peers })
  expect(await metrics()).toEqual(['bzzz_mesh_peers{state="online"} 2', 'bzzz_mesh_peers{state="offline"} 1'])
  states.pop()
  expect(await metrics()).toEqual(['bzzz_mesh_peers{state="online"} 2'])
})
