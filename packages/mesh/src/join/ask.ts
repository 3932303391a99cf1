import {
  decodeJoinAnswer,
  type Invite,
  type JoinAnswer,
  joinProtocol,
  MAX_JOIN_ANSWER_BYTES,
  ProtocolError,
} from '@bzzz/protocols'
import { noise } from '@libp2p/noise'
import { preSharedKey } from '@libp2p/pnet'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { yamux } from '@libp2p/yamux'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { messageOf } from '../errors.ts'
import { keyPairOf, preSharedKeyFile } from '../host/keys.ts'
import { withPeer } from '../roster/addresses.ts'
import { Dials } from '../roster/dials.ts'
import { dialReason } from '../roster/reasons.ts'

export interface AskOptions {
  readonly invite: Invite
  /** Sealed by the new member's key. */
  readonly request: Uint8Array
  readonly signal: AbortSignal
}

export type Asked =
  | { readonly status: 'answered'; readonly answer: JoinAnswer }
  /** `known` false: the node answered the dial and hung up on this invitation. */
  | { readonly status: 'unreached'; readonly known: boolean; readonly reason: string }

/** Until one address has answered with a secured connection. */
const DIAL_MS = 5_000
/** The node writes to disk before it answers. */
const ANSWER_MS = 15_000

/**
 * Carries a request to the node that made the invitation, by the key of that invitation: a host that listens nowhere and
 * knows no other protocol.
 * @throws {ProtocolError} for an answer that is none; the signal's reason
 */
export async function askToJoin({ invite, request, signal }: AskOptions): Promise<Asked> {
  const dials = new Dials()
  const host = await createLibp2p({
    privateKey: keyPairOf(invite.seed),
    addresses: { listen: [] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionProtector: preSharedKey({ psk: preSharedKeyFile(invite.secret) }),
    connectionGater: {
      denyOutboundConnection: (peer) => {
        dials.came(peer.toString(), 'reached')
        return false
      },
      denyOutboundEncryptedConnection: (peer) => {
        dials.came(peer.toString(), 'secured')
        return false
      },
    },
  })
  const reasons: string[] = []
  try {
    for (const address of invite.addrs) {
      const asked = await askAt(address)
      if ('answer' in asked) return { status: 'answered', ...asked }
      if (asked.stage === 'secured') return { status: 'unreached', known: false, reason: asked.reason }
      reasons.push(asked.reason)
    }
    return { status: 'unreached', known: true, reason: reasons.join('; ') }
  } finally {
    await host.stop()
  }

  async function askAt(address: string): Promise<{ answer: JoinAnswer } | { stage: string; reason: string }> {
    const dial = dials.begin(invite.peer)
    try {
      const within = AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)])
      const connection = await host.dial(multiaddr(withPeer(address, invite.peer)), { signal: within })
      const patience = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])
      const stream = await connection.newStream(joinProtocol(invite.mesh), { signal: patience })
      const framed = lpStream(stream, {
        maxDataLength: MAX_JOIN_ANSWER_BYTES,
        maxBufferSize: 2 * MAX_JOIN_ANSWER_BYTES,
      })
      await framed.write(request, { signal: patience })
      return { answer: decodeJoinAnswer((await framed.read({ signal: patience })).subarray()) }
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof ProtocolError) throw error
      const { stage } = dial
      if (stage === 'secured') return { stage, reason: messageOf(error) }
      return { stage, reason: dialReason({ address, stage, timeoutMs: DIAL_MS, error }) }
    } finally {
      dials.end(invite.peer)
    }
  }
}
