import type { PeerStatus } from '@bzzz/mesh'
import type { AgentsHealth, NodeHealth, NodeStatus, PeerId, PeersAnswer, PeerView } from '@bzzz/protocols'
import type { DoorPorts } from '../ports.ts'
import { agentViews } from './agents.ts'
import { budgetState, todayView } from './costs.ts'
import { isoTimeOrNull } from './names.ts'

export function nodeHealthView({ node, mesh, accounts }: DoorPorts, nowMs: number): NodeHealth {
  const { store, transport } = node.condition()
  const peers = mesh.peers().filter(({ role }) => role === 'node')
  const online = peers.filter((peer) => peer.state === 'online').length
  const member = accounts.isMember()
  const down = store !== 'open' || transport === 'down'
  return {
    // a laptop is meant to be off and on: without peers it does what it is for
    status: down ? 'down' : !member || (online < peers.length && node.role !== 'laptop') ? 'degraded' : 'ok',
    node_id: node.label,
    peer_id: node.peer,
    network_id: node.network,
    role: node.role,
    version: node.version,
    uptime_s: Math.max(0, Math.floor((nowMs - node.startedMs) / 1000)),
    member,
    peers: { online, total: peers.length },
    store,
    transport,
  }
}

export function agentsHealthView(ports: DoorPorts): AgentsHealth {
  const { lastOkMs, lastError, ...model } = ports.node.model()
  const own = agentViews(ports).filter((agent) => agent.own)
  const able = ports.node.role === 'laptop' || (model.configured && own.some(({ status }) => status !== 'unavailable'))
  return {
    status: ports.node.condition().store !== 'open' ? 'down' : able ? 'ok' : 'degraded',
    agents: own.length,
    llm: { ...model, last_ok: isoTimeOrNull(lastOkMs), last_error: lastError },
    budget: { state: budgetState(ports) },
    sync: { threads: ports.threads.list().length },
  }
}

export function peersAnswerView(ports: DoorPorts): PeersAnswer {
  const { node, mesh } = ports
  const peers = peerViews(ports)
  const self = { peer_id: node.peer, node_id: node.label, addrs: [...mesh.addrs()] }
  return { self, manifest_version: node.manifestVersion(), peers, total: peers.length }
}

export function peerViews({ mesh }: Pick<DoorPorts, 'mesh'>): PeerView[] {
  const roles = rolesByPeer(mesh)
  return mesh.peers().map((peer) => peerView(peer, roles.get(peer.peer) ?? []))
}

function peerView(peer: PeerStatus, roles: string[]): PeerView {
  return {
    peer_id: peer.peer,
    node_id: peer.label,
    role: peer.role,
    state: peer.state,
    addrs: [...peer.addrs],
    latency_ms: peer.latencyMs,
    last_seen: isoTimeOrNull(peer.lastSeenMs),
    reason: peer.reason,
    roles,
  }
}

function rolesByPeer(mesh: DoorPorts['mesh']): Map<PeerId, string[]> {
  return new Map(mesh.cards().map(({ card }) => [card.peer, [...new Set(card.agents.map((agent) => agent.role))]]))
}

export function nodeStatusView(ports: DoorPorts, nowMs: number): NodeStatus {
  const agents = agentViews(ports)
  return {
    node: nodeHealthView(ports, nowMs),
    peers: peerViews(ports),
    agents: {
      own: agents.filter((agent) => agent.own).length,
      live: agents.filter((agent) => agent.status !== 'offline').length,
      total: agents.length,
    },
    conversations: conversationCounts(ports),
    budget: {
      state: budgetState(ports),
      adopt_due: [...ports.accounts.adoptionsDue()],
      ...todayView(ports.budget, nowMs),
    },
  }
}

function conversationCounts({ threads }: DoorPorts): NodeStatus['conversations'] {
  const counts = { active: 0, approved: 0, changes_requested: 0, escalated: 0, archived: 0 }
  for (const { archived, state } of threads.list()) counts[archived ? 'archived' : state] += 1
  return counts
}
