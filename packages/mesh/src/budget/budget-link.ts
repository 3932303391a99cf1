import {
  type BudgetThing,
  type Frame,
  type GrantAnswer,
  type GrantRefusalCode,
  type PeerId,
  ProtocolError,
} from '@bzzz/protocols'
import { messageOf } from '../errors.ts'
import type { Observe } from '../facts.ts'
import type { InHand } from '../in-hand.ts'
import type { Link } from '../link/link.ts'
import type { BudgetPort } from './port.ts'

export interface BudgetLinkOptions {
  /** Undefined where the node has no budget. */
  readonly port: BudgetPort | undefined
  /** Whether rights are moved with this peer: it and this node are nodes of the mesh. */
  readonly takesPart: (peer: PeerId) => boolean
  readonly inHand: InHand
  readonly observe: Observe
}

/** A search asks a donor once at a time; more are under way only while the donor's disk is slow. */
const MAX_ASKED_AT_ONCE = 4
/** Each is a synced write, and several share one. */
const MAX_RECEIVED_AT_ONCE = 32
/** Beyond these the peer is greeted anew once it takes more. */
const MAX_UNSENT = 256

/** What is said about rights on one link: requests, grants, and what accounts sign. */
export class BudgetLink {
  readonly #link: Link
  readonly #options: BudgetLinkOptions
  readonly #received = new Set<Promise<void>>()
  #asked = 0
  #unsent: BudgetThing[] = []
  #missed = false
  #telling = false

  constructor(link: Link, options: BudgetLinkOptions) {
    this.#link = link
    this.#options = options
  }

  /** Tells the greeting. */
  greet(): void {
    this.#missed = true
    this.#tellOn()
  }

  tell(thing: BudgetThing): void {
    if (this.#unsent.length < MAX_UNSENT) this.#unsent.push(thing)
    else this.#missed = true
    this.#tellOn()
  }

  /** Answers beside the reading. @throws {ProtocolError} for another peer's account, or from one who has no part in this */
  asked({ n, request }: Extract<Frame, { t: 'grant-ask' }>): void {
    const { port } = this.#options
    const { peer } = this.#link
    this.#requirePart()
    if (request.to.account.peer !== peer)
      throw new ProtocolError('BAD_SHAPE', `asks for rights in the name of ${request.to.account.peer}`)
    if (this.#asked >= MAX_ASKED_AT_ONCE) {
      void this.#answer(n, refused('too-often', `${MAX_ASKED_AT_ONCE} requests are under way`))
      return
    }
    if (port === undefined) {
      void this.#answer(n, refused('unable', 'no budget is kept here'))
      return
    }
    this.#asked++
    const decided = port.grant(request, peer).catch((error: unknown) => this.#unable(error))
    this.#options.inHand.hold(decided.then((answer) => this.#answer(n, answer)).finally(() => this.#asked--))
  }

  /** Resolves when there is room for the next. @throws {ProtocolError} from one who has no part in this */
  async take({ kind, bytes }: BudgetThing): Promise<void> {
    const { port } = this.#options
    this.#requirePart()
    if (port === undefined) return
    const received = this.#receive(port, { kind, bytes })
    this.#received.add(received)
    this.#options.inHand.hold(received.finally(() => this.#received.delete(received)))
    if (this.#received.size >= MAX_RECEIVED_AT_ONCE) await Promise.race(this.#received)
  }

  #requirePart(): void {
    if (!this.#options.takesPart(this.#link.peer))
      throw new ProtocolError('NOT_A_MEMBER', 'only nodes of the mesh move rights')
  }

  /** Never rejects. */
  async #receive(port: BudgetPort, thing: BudgetThing): Promise<void> {
    const { observe } = this.#options
    const { peer } = this.#link
    try {
      await port.receive(thing, peer)
    } catch (error) {
      if (!(error instanceof ProtocolError)) return observe({ type: 'budget-failed', peer, error })
      observe({ type: 'frame-refused', peer, code: error.code, reason: error.message })
      this.#link.close(`sent a bad frame: ${error.message}`)
    }
  }

  #unable(error: unknown): GrantAnswer {
    this.#options.observe({ type: 'budget-failed', peer: this.#link.peer, error })
    return refused('unable', messageOf(error).slice(0, 512))
  }

  async #answer(n: number, answer: GrantAnswer): Promise<void> {
    await this.#link.tell({ t: 'grant-answer', n, answer })
  }

  #tellOn(): void {
    const { port, takesPart, inHand } = this.#options
    if (this.#telling || port === undefined || !takesPart(this.#link.peer)) return
    this.#telling = true
    inHand.hold(this.#tellAll(port))
  }

  /** Waits for room, one thing after the other. Never rejects. */
  async #tellAll(port: BudgetPort): Promise<void> {
    while (this.#link.open && (this.#missed || this.#unsent.length > 0)) {
      const due = [...(this.#missed ? port.greeting(this.#link.peer) : []), ...this.#unsent]
      this.#missed = false
      this.#unsent = []
      for (const { kind, bytes } of due) await this.#link.tell({ t: 'budget', kind, bytes: Uint8Array.from(bytes) })
    }
    this.#telling = false
  }
}

function refused(code: GrantRefusalCode, reason: string): GrantAnswer {
  return { granting: { status: 'refused', code, reason }, spare: [] }
}
