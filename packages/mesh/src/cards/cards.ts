import {
  type MeshId,
  type NodeCard,
  openCard,
  type PeerId,
  ProtocolError,
  type Signer,
  sealCard,
} from '@bzzz/protocols'
import type { MeshMember } from '../members.ts'
import type { KnownCard } from '../mesh.ts'

export interface CardsOptions {
  readonly mesh: MeshId
  readonly signer: Signer
  /** Own card as the node has it now. */
  readonly own: () => NodeCard
  readonly ownAddrs: () => readonly string[]
  /** Undefined for whoever is no member. */
  readonly roleOf: (peer: PeerId) => MeshMember['role'] | undefined
  readonly leaseMs: number
  readonly now: () => number
  readonly onNews: (card: NodeCard) => void
}

interface Known {
  readonly card: NodeCard
  readonly receivedMs: number
  /** It hung up after this card: what it said of itself no longer holds. */
  lapsed: boolean
}

const MAX_CARD_ADDRS = 16

/** The newest verified card of each member. At most one per member, so no bigger than the mesh. */
export class Cards {
  readonly #options: CardsOptions
  readonly #known = new Map<PeerId, Known>()
  #lastSeq = 0

  constructor(options: CardsOptions) {
    this.#options = options
  }

  /** The own card as of now, sealed. Each has its own seq: gossip knows messages by content and sends none twice. */
  sealOwn(): Uint8Array {
    const { own, mesh, signer } = this.#options
    const card = this.#stamp(own())
    this.#lastSeq = Math.max(card.seq, this.#lastSeq + 1)
    return sealCard({ ...card, seq: this.#lastSeq }, mesh, signer)
  }

  /**
   * @param direct who said it of itself on its own link, which nobody can replay: a card of another run then counts even
   * if that node's clock, and with it its seq, was set back
   * @returns whether it was news
   * @throws {ProtocolError} as openCard; NOT_A_MEMBER; BAD_SHAPE when it is not of whom it should be
   */
  learn(bytes: Uint8Array, direct?: PeerId): boolean {
    const card = openCard(bytes, this.#options.mesh)
    if (direct !== undefined && card.peer !== direct) throw new ProtocolError('BAD_SHAPE', 'the card of another peer')
    if (card.peer === this.#options.signer.peer) return false
    const role = this.#options.roleOf(card.peer)
    if (role === undefined) throw new ProtocolError('NOT_A_MEMBER', `a card of ${card.peer}, no member`)
    if (role === 'laptop' && card.agents.length > 0) throw new ProtocolError('BAD_SHAPE', 'a laptop with agents')
    const known = this.#known.get(card.peer)
    const newRun = direct !== undefined && known?.card.startedMs !== card.startedMs
    if (known !== undefined && card.seq <= known.card.seq && !newRun) return false
    this.#known.set(card.peer, { card, receivedMs: this.#options.now(), lapsed: false })
    this.#options.onNews(card)
    return true
  }

  lapse(peer: PeerId): void {
    const known = this.#known.get(peer)
    if (known !== undefined) known.lapsed = true
  }

  versionOf(peer: PeerId): number | undefined {
    return this.#known.get(peer)?.card.manifestVersion
  }

  addrsOf(peer: PeerId): readonly string[] {
    return this.#known.get(peer)?.card.addrs ?? []
  }

  /** This node's own first. */
  list(): KnownCard[] {
    const { roleOf, leaseMs, own } = this.#options
    const now = this.#options.now()
    const others = [...this.#known.values()].filter(({ card }) => roleOf(card.peer) !== undefined)
    return [
      { card: this.#stamp(own()), live: true, receivedMs: now },
      ...others.map(({ card, receivedMs, lapsed }) => ({
        card,
        live: !lapsed && now - receivedMs <= leaseMs,
        receivedMs,
      })),
    ]
  }

  #stamp(card: NodeCard): NodeCard {
    const addrs = card.addrs.length > 0 ? card.addrs : this.#options.ownAddrs().slice(0, MAX_CARD_ADDRS)
    return { ...card, addrs: [...addrs], wallMs: this.#options.now() }
  }
}
