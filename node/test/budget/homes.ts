import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Budget,
  createAccount,
  openBudget,
  parseUsd,
  type ReserveRequest,
  signChange,
  signFirstManifest,
} from '@bzzz/budget'
import type { KnownCard, MeshEvent } from '@bzzz/mesh'
import {
  type Account,
  accountKey,
  type BudgetThing,
  type GrantAnswer,
  type OpenedManifest,
  openAck,
  type PeerId,
  type ThreadId,
  type TurnId,
} from '@bzzz/protocols'
import { openState, type StateDatabase } from '@bzzz/store'
import { type BudgetWires, createBudgetWires, type WiresFact } from '../../src/budget/wires.ts'
import { readPriceTable } from '../../src/config/prices.ts'
import { identityFromSeed } from '../../src/identity/identity.ts'

export const NOON = Date.UTC(2026, 10, 22, 12)

/** A node of which there is only the budget and its wires; the network is a function call that can be cut. */
export interface Home {
  readonly peer: PeerId
  readonly account: Account
  readonly budget: Budget
  readonly wires: BudgetWires
  readonly facts: WiresFact[]
  /** The answer to the next request is lost, after the donor gave. */
  loseAnswer: boolean
  card(): KnownCard
}

export interface Homes {
  readonly clock: { ms: number }
  readonly manifest: OpenedManifest
  /** The owner signs another limit of a day; it reaches everybody. */
  limitDay(dollars: string): Promise<void>
  readonly homes: readonly Home[]
  /** Cards reach everybody that is linked. */
  gossip(): void
  cut(home: Home): void
  heal(home: Home): void
  /** Resolves once all that one node told another is taken. */
  arrived(): Promise<void>
  close(): Promise<void>
}

/** @param weights of each home's part in $9 a day and $90 a month */
export async function openHomes(weights: readonly number[]): Promise<Homes> {
  const directory = await mkdtemp(join(tmpdir(), 'bzzz-homes-'))
  const clock = { ms: NOON }
  const now = () => clock.ms
  const states: StateDatabase[] = []
  const identities = weights.map((_, i) => identityFromSeed(new Uint8Array(32).fill(i + 1)))
  const accounts: Account[] = []
  for (const [i, { peer }] of identities.entries()) {
    const state = await openState({ directory: join(directory, String(i)) })
    states.push(state)
    accounts.push({ peer, incarnation: await createAccount(state.room('budget'), { now, randomBytes }) })
  }
  const prices = await readPriceTable({ prices_file: undefined, local_model: false, openai_model: '' })
  const owner = identityFromSeed(new Uint8Array(32).fill(99))
  let manifest = signFirstManifest({
    ...{ network: 'lab', owner, perAgentDaily: null, prices, now },
    members: accounts.map((account, i) => ({
      member: { peer: account.peer, label: `n${i}`, role: 'node', addrs: [] },
      account,
      weight: weights[i] ?? 1,
    })),
    ...{ limits: { day: parseUsd('9'), month: parseUsd('90') }, thresholds: { warning: 800, critical: 950 } },
    clockSkewMs: 5_000,
  })
  const away = new Set<PeerId>()
  const received: Promise<void>[] = []
  const homes: Home[] = []
  const listeners = new Map<PeerId, (event: MeshEvent) => void>()
  const linked = (a: PeerId, b: PeerId) => a !== b && !away.has(a) && !away.has(b)
  const find = (peer: PeerId) => homes.find((home) => home.peer === peer)
  const tell = (to: PeerId, event: unknown) => listeners.get(to)?.(event as MeshEvent)

  async function askGrant(from: Home, to: PeerId, request: Parameters<Budget['grant']>[0]) {
    if (!linked(from.peer, to)) return undefined
    const answer: GrantAnswer | undefined = await find(to)?.wires.port.grant(request, from.peer)
    const isLost = from.loseAnswer
    from.loseAnswer = false
    return isLost ? undefined : answer
  }

  function tellBudget(from: PeerId, thing: BudgetThing, to?: PeerId): void {
    for (const home of homes) {
      if (linked(from, home.peer) && (to === undefined || to === home.peer))
        received.push(home.wires.port.receive(thing, from))
    }
  }

  function up(a: Home, b: Home): void {
    for (const [one, other] of [
      [a, b],
      [b, a],
    ] as const) {
      tell(one.peer, { type: 'peer', status: { peer: other.peer, state: 'online' } })
      for (const thing of one.wires.port.greeting(other.peer)) tellBudget(one.peer, thing, other.peer)
    }
  }

  for (const [i, signer] of identities.entries()) {
    const room = states[i]?.room('budget')
    if (room === undefined) throw new Error('no such state')
    const budget = await openBudget({
      ...{ room, manifest: () => manifest, signer, prices, now, randomBytes },
      reachable: (period) => wires.reachable(period),
    })
    const facts: WiresFact[] = []
    const wires = createBudgetWires({ budget, now, observe: (fact) => facts.push(fact) })
    const { peer } = signer
    const card = () => ({
      card: { peer, incarnation: budget.account.incarnation, spare: budget.spare() },
      live: true,
      receivedMs: 0,
    })
    const home = {
      peer,
      account: budget.account,
      budget,
      wires,
      facts,
      loseAnswer: false,
      card: card as () => KnownCard,
    }
    homes.push(home)
    wires.connect({
      askGrant: (to, request) => askGrant(home, to, request),
      tellBudget: (thing, to) => tellBudget(peer, thing, to),
      subscribe: (listener) => {
        listeners.set(peer, listener)
        return () => void listeners.delete(peer)
      },
      cards: () => homes.map((other) => other.card()),
      peers: () =>
        homes.map((other) => ({ peer: other.peer, state: linked(peer, other.peer) ? 'online' : 'offline' })) as never,
      announce: () => undefined,
    })
  }
  async function limitDay(dollars: string): Promise<void> {
    const acks = homes.map(({ account, budget }) => {
      return [accountKey(account), openAck(budget.ack() ?? new Uint8Array(), manifest.mesh)] as const
    })
    const book = { versions: [manifest], acks: new Map(acks), forks: [] }
    const signed = signChange(book, { kind: 'limit', dim: 'day', amount: parseUsd(dollars) }, { owner, now: clock.ms })
    if (signed.status !== 'signed') throw new Error(`not signed: ${signed.status}`)
    manifest = signed.next
    for (const { budget, wires } of homes) {
      await budget.acknowledge()
      wires.look()
    }
  }

  async function arrived(): Promise<void> {
    // what comes in brings more on its way
    for (const one of received) await one
  }

  return {
    ...{ clock, manifest, homes, limitDay, arrived },
    gossip() {
      for (const from of homes)
        for (const { peer } of homes) if (linked(from.peer, peer)) tell(peer, { type: 'card', card: from.card().card })
    },
    cut(home) {
      away.add(home.peer)
      for (const { peer } of homes) tell(peer, { type: 'peer', status: { peer: home.peer, state: 'offline' } })
    },
    heal(home) {
      away.delete(home.peer)
      for (const other of homes) if (linked(home.peer, other.peer)) up(home, other)
    },
    async close() {
      await arrived()
      for (const { wires, budget } of homes) {
        await wires.close()
        await budget.close()
      }
      for (const state of states) await state.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** A call that may cost so many dollars, of play money. */
export function callFor(dollars: number, name: string, thread: ThreadId | null = null): ReserveRequest {
  const turn = createHash('sha256').update(name).digest('hex') as TurnId
  const tokens = { inputTokens: Math.round(dollars * 1_000_000), outputTokens: 0 }
  return { turn, step: 0, attempt: 0, thread, agent: 'architect', model: 'offline-rules', ...tokens }
}
