import {
  encodeJoinAnswer,
  type JoinAnswer,
  joinProtocol,
  MAX_JOIN_REQUEST_BYTES,
  type MeshId,
  openJoinRequest,
  ProtocolError,
} from '@bzzz/protocols'
import type { Connection, Stream } from '@libp2p/interface'
import { lpStream } from '@libp2p/utils'
import { untilClosed } from '../closed.ts'
import { messageOf } from '../errors.ts'
import type { Observe } from '../facts.ts'
import { type Host, peerOf } from '../host/host.ts'
import type { InHand } from '../in-hand.ts'
import type { JoinsPort } from './port.ts'

export interface JoinServerOptions {
  readonly mesh: MeshId
  readonly host: Host
  readonly joins: JoinsPort
  readonly inHand: InHand
  /** From the connection to its end. */
  readonly patienceMs: number
  readonly observe: Observe
}

// Each may wait for a write to disk; an honest joiner has one.
const MAX_REQUESTS_AT_ONCE = 8

/** Answers those who come with an invitation's key; their connection ends with the answer. */
export async function serveJoins(options: JoinServerOptions): Promise<void> {
  const { mesh, host } = options
  let under = 0
  host.addEventListener('connection:open', ({ detail: connection }) => {
    if (options.joins.knows(peerOf(connection.remotePeer))) endLate(connection, options)
  })
  await host.handle(joinProtocol(mesh), (stream, connection) => {
    if (under >= MAX_REQUESTS_AT_ONCE || !options.joins.knows(peerOf(connection.remotePeer)))
      return connection.abort(new Error('no room for this request'))
    under++
    options.inHand.hold(serve(stream, connection, options).finally(() => under--))
  })
}

function endLate(connection: Connection, { patienceMs }: JoinServerOptions): void {
  AbortSignal.timeout(patienceMs).addEventListener('abort', () => {
    if (connection.status === 'open') connection.abort(new Error('a join takes no longer'))
  })
}

/** Never rejects. */
async function serve(stream: Stream, connection: Connection, options: JoinServerOptions): Promise<void> {
  const invite = peerOf(connection.remotePeer)
  const { mesh, observe } = options
  try {
    const signal = AbortSignal.timeout(options.patienceMs)
    const framed = lpStream(stream, { maxDataLength: MAX_JOIN_REQUEST_BYTES })
    const request = openJoinRequest((await framed.read({ signal })).subarray(), mesh, invite)
    const answer = await answerTo(request, invite, options)
    observe({ type: 'join-answered', invite, peer: request.peer, code: answer.t === 'joined' ? null : answer.code })
    await framed.write(encodeJoinAnswer(answer), { signal })
    await stream.close({ signal })
    // the asker hangs up once it has read; until then the answer may still be under way
    await untilClosed(connection, signal)
  } catch (error) {
    const code = error instanceof ProtocolError ? error.code : 'BROKEN_OFF'
    observe({ type: 'join-refused', invite, code, reason: messageOf(error) })
  } finally {
    connection.abort(new Error('the join is over'))
  }
}

async function answerTo(
  request: Parameters<JoinsPort['join']>[1],
  invite: Parameters<JoinsPort['join']>[0],
  { joins, observe }: JoinServerOptions,
): Promise<JoinAnswer> {
  try {
    return await joins.join(invite, request)
  } catch (error) {
    observe({ type: 'join-failed', invite, error })
    return {
      t: 'refused',
      code: 'UNABLE',
      reason: 'that node could not write it down: look at its log, then try again',
    }
  }
}
