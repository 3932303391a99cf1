import { z } from 'zod'
import { encodeCanonical } from '../bytes/cbor.ts'
import { wholeNumber } from '../bytes/shapes.ts'
import { openSigned, type Signer, sealSigned } from '../bytes/signing.ts'
import { reviewPhase } from '../entry/entry.ts'
import {
  type AgentId,
  agentId,
  type CallId,
  callIdOf,
  type MeshId,
  type PeerId,
  publicKeyOfPeer,
  type TurnId,
  threadId,
  turnIdOf,
} from '../ids/ids.ts'

/** Text of a model call that still runs, for who watches: signed, gossiped, kept by nobody. See spec.md. */
export const MAX_TOKENS_BYTES = 8 * 1024
/** In one frame, in UTF-16 code units; 2,000 of them have at most 6,000 bytes in UTF-8. */
export const MAX_TOKENS_CHARS = 2_000

const tokensBody = z.strictObject({
  v: z.literal(1),
  thread: threadId,
  /** Whose turn it is; its node signs. */
  agent: agentId,
  phase: reviewPhase,
  round: wholeNumber,
  /** Which call of the turn, from 0. */
  step: wholeNumber,
  /** Which request for that call, from 0: a later one begins its text anew. */
  attempt: wholeNumber,
  /** Where `text` begins in the reply, in UTF-16 code units. */
  offset: wholeNumber,
  text: z.string().min(1).max(MAX_TOKENS_CHARS),
})
export type TokensFrame = z.infer<typeof tokensBody>

export function sealTokens(frame: TokensFrame, mesh: MeshId, signer: Signer): Uint8Array {
  return sealSigned('tokens', mesh, encodeCanonical(frame), signer)
}

/** @throws {ProtocolError} TOO_LARGE, NOT_CANONICAL, BAD_SHAPE or BAD_SIGNATURE */
export function openTokens(bytes: Uint8Array, mesh: MeshId): TokensFrame {
  return openSigned('tokens', bytes, tokensBody, MAX_TOKENS_BYTES, ({ agent }) => ({
    mesh,
    publicKey: publicKeyOfPeer(peerOfAgent(agent)),
  }))
}

/** What a frame does not carry because it follows from what it does. */
export function tokensIds(frame: TokensFrame): { peer: PeerId; turn: TurnId; call: CallId } {
  const turn = turnIdOf(frame)
  return { peer: peerOfAgent(frame.agent), turn, call: callIdOf(turn, frame.step, frame.attempt) }
}

/** Topic of the calls for one project's threads. @param tag zeros for threads of which it is not known */
export function tokenTopic(mesh: MeshId, tag: Uint8Array): string {
  return `/bzzz/1/${mesh}/t/${Buffer.from(tag).toString('hex')}`
}

function peerOfAgent(agent: AgentId): PeerId {
  return agent.slice(agent.indexOf('@') + 1) as PeerId
}
