import { type Budget, createHints, type GrantRequest } from '@bzzz/budget'
import type { BudgetPort, KnownCard, Mesh } from '@bzzz/mesh'
import {
  type Account,
  type BudgetThing,
  type GrantAnswer,
  type PeerId,
  type Period,
  ProtocolError,
} from '@bzzz/protocols'
import { type Asked, createAskedRing } from './asked.ts'
import { openSeeking, type Seeking, type SeekingFact } from './seeking.ts'
import { tellSpareNews } from './spare-news.ts'
import { createThreadShares } from './thread-shares.ts'

/** Who else is interested in what other nodes tell. Each may throw a ProtocolError for what no honest node hands on. */
export interface BudgetHooks {
  onAck?: (bytes: Uint8Array, from: PeerId) => Promise<void>
  onSlot?: (bytes: Uint8Array, from: PeerId) => Promise<void>
  onLeave?: (bytes: Uint8Array, from: PeerId) => Promise<void>
  onAlert?: (bytes: Uint8Array, from: PeerId) => Promise<void>
  /** Told on each new link besides what the budget tells. */
  greeting?: () => readonly BudgetThing[]
}

export type WiresFact =
  | SeekingFact
  /** The ledger takes nothing more. */
  | { readonly type: 'slots-not-told'; readonly peer: PeerId; readonly error: unknown }

export interface BudgetWiresOptions {
  readonly budget: Budget
  readonly now: () => number
  readonly observe: (fact: WiresFact) => void
}

/** The budget's part of the mesh: rights are given, taken and sought, and what accounts sign is told and heard. */
export interface BudgetWires {
  /** For the mesh, before it opens. */
  readonly port: BudgetPort
  /** May be filled at any time; what comes before is passed over, and told again on a new link. */
  readonly hooks: BudgetHooks
  /** For the budget: what others are known to have. */
  reachable(period: Period): bigint
  /** The budget, as turns use it: threads that are opened are known here then. */
  readonly forTurns: ForTurns
  /** Donors that were asked in this run, newest last. */
  whoWasAsked(): readonly Asked[]
  /** Terms may have changed: a manifest, a limit. */
  look(): void
  /** Once the mesh is open; nothing is sought before. */
  connect(mesh: WiredMesh): void
  close(): Promise<void>
}

type ForTurns = Pick<Budget, 'openThread' | 'reserve' | 'settle' | 'lose' | 'callsOf' | 'subscribe'>

export type WiredMesh = Pick<Mesh, 'askGrant' | 'tellBudget' | 'subscribe' | 'cards' | 'peers' | 'announce'>

export function createBudgetWires({ budget, now, observe }: BudgetWiresOptions): BudgetWires {
  const hints = createHints({ own: budget.account, now })
  const asked = createAskedRing()
  const shares = createThreadShares()
  const hooks: BudgetHooks = {}
  const stops: (() => void)[] = []
  let mesh: WiredMesh | undefined
  let seeking: Seeking | undefined

  async function ask({ peer }: Account, request: GrantRequest, signal: AbortSignal): Promise<GrantAnswer | undefined> {
    const atMs = now()
    const answer = await mesh?.askGrant(peer, request, { signal })
    asked.note(peer, atMs, request, answer)
    return answer
  }

  const port: BudgetPort = {
    async grant(request) {
      const granting = await budget.grant(request)
      return { granting, spare: budget.spare() }
    },
    async receive({ kind, bytes }, from) {
      switch (kind) {
        case 'grant':
          return refuseBad(await budget.credit(bytes))
        case 'fork':
          return noteFork(bytes, from)
        case 'ack':
          return hooks.onAck?.(bytes, from)
        case 'slot':
          return hooks.onSlot?.(bytes, from)
        case 'leave':
          return hooks.onLeave?.(bytes, from)
        case 'alert':
          return hooks.onAlert?.(bytes, from)
      }
    },
    greeting: (to) => [...greetingTo(to, budget, mesh?.cards() ?? []), ...(hooks.greeting?.() ?? [])],
  }

  /** What is new here is told on, so that it reaches whoever is not linked to the one that found it. */
  async function noteFork(bytes: Uint8Array, from: PeerId): Promise<void> {
    const noted = await budget.noteFork(bytes)
    if (noted.status === 'refused') return refuseBad(noted)
    if (noted.status === 'known') return
    for (const peer of othersOnline(mesh, from)) mesh?.tellBudget({ kind: 'fork', bytes }, peer)
  }

  /** Only those that can be asked give hope. */
  function hear({ card }: Pick<KnownCard, 'card'>): void {
    const isOnline = mesh?.peers().some(({ peer, state }) => peer === card.peer && state === 'online') ?? false
    if (!isOnline) return
    const account = accountOf(card)
    hints.hear({ account, spare: shares.believed(account, card.spare) })
    if (card.spare.length > 0 && budget.waiting().calls.length > 0) seeking?.look()
  }

  /** The sums of the running day and month, for whoever could not ask the DHT for them. */
  async function tellSlots({ tellBudget }: WiredMesh, peer: PeerId): Promise<void> {
    try {
      const slots = (await budget.slots()).filter(({ period }) => !period.startsWith('t:'))
      for (const { bytes } of slots) tellBudget({ kind: 'slot', bytes }, peer)
    } catch (error) {
      observe({ type: 'slots-not-told', peer, error })
    }
  }

  function forget(peer: PeerId): void {
    for (const { account } of hints.fresh()) if (account.peer === peer) hints.drop(account)
  }

  return {
    port,
    hooks,
    reachable: hints.reachable,
    forTurns: {
      ...budget,
      async openThread(thread, cap) {
        await budget.openThread(thread, cap)
        shares.note(thread, cap)
      },
    },
    whoWasAsked: asked.list,
    look: () => seeking?.look(),
    connect(opened) {
      mesh = opened
      seeking = openSeeking({ budget, hints, ask, observe })
      for (const known of opened.cards()) hear(known)
      stops.push(
        tellSpareNews({ budget, announce: opened.announce }),
        opened.subscribe((event) => {
          if (event.type === 'card') return hear(event)
          const { peer, state } = event.status
          if (state !== 'online') return forget(peer)
          for (const known of opened.cards()) if (known.card.peer === peer) hear(known)
          void tellSlots(opened, peer)
        }),
      )
    },
    async close() {
      for (const stop of stops) stop()
      await seeking?.close()
    },
  }
}

/** The own ack, own grants to that node's account that it may have missed, and the accounts known to be in use twice. */
function greetingTo(to: PeerId, budget: Budget, cards: readonly KnownCard[]): BudgetThing[] {
  const card = cards.find((known) => known.card.peer === to)?.card
  const grants = card === undefined ? [] : budget.grantsTo(accountOf(card))
  const ack = budget.ack()
  return [
    ...(ack === undefined ? [] : [{ kind: 'ack', bytes: Uint8Array.from(ack) } as const]),
    ...grants.map((bytes): BudgetThing => ({ kind: 'grant', bytes })),
    ...budget.forkProofs().map((bytes): BudgetThing => ({ kind: 'fork', bytes })),
  ]
}

function accountOf({ peer, incarnation }: KnownCard['card']): Account {
  return { peer, incarnation }
}

/** What no honest node hands on costs the one that does; anything else is an old or a foreign thing. */
function refuseBad(outcome: { readonly status: string; readonly code?: string; readonly reason?: string }): void {
  if (outcome.status !== 'refused') return
  const { code, reason = '' } = outcome
  if (code === 'malformed') throw new ProtocolError('BAD_SHAPE', reason)
  if (code === 'forged') throw new ProtocolError('BAD_SIGNATURE', reason)
}

function othersOnline(mesh: WiredMesh | undefined, but: PeerId): PeerId[] {
  return (mesh?.peers() ?? []).flatMap(({ peer, state }) => (peer !== but && state === 'online' ? [peer] : []))
}
