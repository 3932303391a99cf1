import { equalBytes, type Frame, type MeshId, meshIdBytes, ProtocolError } from '@bzzz/protocols'
import type { Frames } from './frames.ts'

export interface Greeting {
  readonly mesh: MeshId
  /** Own sealed card. */
  readonly card: Uint8Array
  /** Opens and keeps the peer's card. @throws {ProtocolError} if it is not a card of that peer */
  readonly learn: (card: Uint8Array) => void
  /** Only whoever is dialled may take the other for a former member. */
  readonly dialled: boolean
  readonly signal: AbortSignal
}

/** `farewell`: the manifest of a peer that takes this node for a former member; it ends the connection. */
export type Greeted = { readonly status: 'met' } | { readonly status: 'farewell'; readonly manifest: Uint8Array }

/** Both sides say hello at once; the connection counts only after both were right. @throws {ProtocolError} */
export async function exchangeHellos(frames: Frames, greeting: Greeting): Promise<Greeted> {
  const { mesh, card, learn, signal } = greeting
  const [, first] = await Promise.all([
    frames.write(
      { t: 'hello', v: 1, mesh: Uint8Array.from(meshIdBytes(mesh)), card: Uint8Array.from(card) },
      { signal },
    ),
    frames.read({ signal }),
  ])
  if (first.t === 'manifest' && greeting.dialled) return { status: 'farewell', manifest: first.manifest }
  learn(cardOf(first, mesh))
  return { status: 'met' }
}

function cardOf(first: Frame, mesh: MeshId): Uint8Array {
  if (first.t !== 'hello') throw new ProtocolError('BAD_SHAPE', `the first frame is ${first.t}, not hello`)
  if (!equalBytes(first.mesh, meshIdBytes(mesh))) throw new ProtocolError('WRONG_MESH', 'a node of another mesh')
  return first.card
}
