import { type EventData, type ThreadId, type TokensFrame, tokensIds } from '@bzzz/protocols'
import type { DoorPorts } from '../ports.ts'
import { type NodeNames, nodeNames } from '../views/names.ts'

/** Text of one thread's running calls, on whichever node they run. @returns how to stop */
export function followTokens(
  ports: Pick<DoorPorts, 'mesh' | 'node' | 'accounts'>,
  thread: ThreadId,
  tell: (data: EventData<'tokens'>) => void,
): () => void {
  return ports.mesh.followTokens(thread, (frame) => tell(tokensView(frame, nodeNames(ports))))
}

function tokensView(frame: TokensFrame, names: NodeNames): EventData<'tokens'> {
  const { thread, agent, phase, round, offset, text } = frame
  const { peer, turn, call } = tokensIds(frame)
  return { thread, turn, call, agent, node: names(peer), phase, round, offset, text }
}
