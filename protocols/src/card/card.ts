import { z } from 'zod'
import { encodeCanonical } from '../bytes/cbor.ts'
import { wallMs, wholeNumber } from '../bytes/shapes.ts'
import { openSigned, type Signer, sealSigned } from '../bytes/signing.ts'
import { spareRights } from '../grant/request.ts'
import { agentId, boot, incarnation, type MeshId, peerId, publicKeyOfPeer, roleName } from '../ids/ids.ts'
import { nodeLabel } from '../manifest/manifest.ts'

/** What a node says of itself and of the agents that live on it: signed, gossiped, newest `seq` wins, dead after its lease. */
export const MAX_CARD_BYTES = 64 * 1024
export const MAX_AGENTS_PER_NODE = 32

const words = z.array(z.string().max(64)).max(32)

export const agentCard = z.strictObject({
  id: agentId,
  role: roleName,
  specialization: z.string().max(255),
  capabilities: words,
  /** As the provider names it; `offline-rules` for the rules without a model. */
  model: z.string().max(100),
  provider: z.string().max(64),
  /** True when no language model answers, or its prices are not real money. */
  simulated: z.boolean(),
  maxTasks: wholeNumber.min(1).max(100),
  status: z.enum(['idle', 'busy', 'paused', 'unavailable']),
  activeTurns: wholeNumber.max(1000),
  /** SHA-256 of the system prompt, hexadecimal; the prompt itself stays at home. */
  promptHash: z.string().regex(/^[0-9a-f]{64}$/),
})
export type AgentCard = z.infer<typeof agentCard>

const cardBody = z.strictObject({
  v: z.literal(1),
  peer: peerId,
  label: nodeLabel,
  /** Of the node's ledger: (peer, incarnation) is its account. */
  incarnation,
  /** The present opening of that ledger: grants are made out to it. */
  boot,
  /** Rights that the account could give; a hint. */
  spare: spareRights,
  /** Multiaddrs at which the node listens. */
  addrs: z.array(z.string().max(256)).max(16),
  version: z.string().max(32),
  manifestVersion: wholeNumber,
  startedMs: wallMs,
  /** Milliseconds of the node's clock when it signed; only the difference of two cards of one node means anything. */
  wallMs,
  /** Grows with each card; starts at the wall clock so that a restart continues above. */
  seq: wholeNumber,
  threads: wholeNumber,
  agents: z.array(agentCard).max(MAX_AGENTS_PER_NODE),
})
export type NodeCard = z.infer<typeof cardBody>

export function sealCard(card: NodeCard, mesh: MeshId, signer: Signer): Uint8Array {
  return sealSigned('card', mesh, encodeCanonical(card), signer)
}

/** @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SHAPE or BAD_SIGNATURE */
export function openCard(bytes: Uint8Array, mesh: MeshId): NodeCard {
  return openSigned('card', bytes, cardBody, MAX_CARD_BYTES, (body) => ({
    mesh,
    publicKey: publicKeyOfPeer(body.peer),
  }))
}
