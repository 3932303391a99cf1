import { setTimeout as delay } from 'node:timers/promises'
import { agentsAnswer, dailyCosts, messagesAnswer, peersAnswer } from '@bzzz/protocols'
import type { LabNode } from './lab.ts'

/** What one node says of a thread and of the bill. */
export interface NodeProof {
  readonly node_id: string
  readonly peer_id: string
  readonly heads: readonly string[]
  readonly entries: number
  /** What the whole mesh spent today, as this node reads it from everybody's signed sums. */
  readonly spent_usd: number
}

const PATIENCE_MS = 20_000
const LOOK_INTERVAL_MS = 150

/** Each node answers for itself; equal heads are equal threads, byte for byte. */
export async function proofOf(
  nodes: readonly LabNode[],
  thread: string,
  signal: AbortSignal,
): Promise<{ converged: boolean; nodes: NodeProof[]; limit_usd: number }> {
  let last: Awaited<ReturnType<typeof ask>>[] = []
  await eventually(async () => {
    last = await Promise.all(nodes.map((node) => ask(node, thread, signal)))
    return agrees(last)
  }, signal)
  return { converged: agrees(last), nodes: last.map(({ proof }) => proof), limit_usd: last[0]?.limit ?? 0 }
}

function agrees(answers: readonly { proof: NodeProof; complete: boolean; ids: string }[]): boolean {
  const [first] = answers
  return (
    first !== undefined &&
    answers.every(
      ({ proof, complete, ids }) =>
        complete &&
        ids === first.ids &&
        proof.heads.join() === first.proof.heads.join() &&
        proof.spent_usd === first.proof.spent_usd,
    )
  )
}

async function ask(node: LabNode, thread: string, signal: AbortSignal) {
  const messages = await node.client.get('agents', `/api/conversations/${thread}/messages`, messagesAnswer, { signal })
  const costs = await node.client.get('agents', '/api/costs/daily', dailyCosts, { signal })
  const proof = {
    node_id: node.label,
    peer_id: node.peer,
    heads: [...messages.heads].sort(),
    entries: messages.total,
    spent_usd: costs.spent_usd,
  }
  return {
    proof,
    ids: messages.messages.map((message) => message.id).join(),
    complete: costs.unknown_nodes.length === 0,
    limit: costs.limit_usd,
  }
}

/** Until every node reaches the others and knows an agent of each role. */
export async function meshFormed(nodes: readonly LabNode[], signal: AbortSignal): Promise<void> {
  const formed = await eventually(async () => {
    const views = await Promise.all(nodes.map((node) => look(node, signal)))
    return views.every(({ online, live }) => online === nodes.length - 1 && live >= nodes.length)
  }, signal)
  if (!formed) throw new Error(`the nodes did not reach each other within ${PATIENCE_MS / 1000} s`)
}

async function look(node: LabNode, signal: AbortSignal): Promise<{ online: number; live: number }> {
  const { peers } = await node.client.get('node', '/api/peers', peersAnswer, { signal })
  const { agents } = await node.client.get('agents', '/api/agents', agentsAnswer, { signal })
  return {
    online: peers.filter((peer) => peer.state === 'online').length,
    live: agents.filter((agent) => agent.status !== 'offline').length,
  }
}

async function eventually(holds: () => Promise<boolean>, signal: AbortSignal): Promise<boolean> {
  const patience = AbortSignal.timeout(PATIENCE_MS)
  while (!patience.aborted) {
    if (await holds()) return true
    await delay(LOOK_INTERVAL_MS, undefined, { signal })
  }
  return false
}
