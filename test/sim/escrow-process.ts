import {
  type Answer,
  type Budget,
  BudgetError,
  type BudgetFact,
  createHints,
  type GrantRequest,
  type Hint,
  type Hints,
  type Marker,
  openBudgetBy,
  type Rules,
  seekRights,
} from '@bzzz/budget'
import {
  type Account,
  accountKey,
  type CallId,
  type OpenedManifest,
  openAck,
  openSlot,
  type Period,
  readGrant,
  type Signer,
} from '@bzzz/protocols'
import { guardState } from '@bzzz/store'
import type { Disk } from './disk.ts'
import type { HouseClock } from './house-clock.ts'
import { prices, verifies } from './people.ts'
import { createStops, type Stops } from './stops.ts'
import type { World } from './world.ts'

/** A run of the shipped budget, with what the node would do around it: gossip, searches for rights, slots. */
export interface EscrowProcess {
  readonly budget: Budget
  readonly isAlive: boolean
  readonly stops: Stops
  readonly clock: HouseClock
  /** Another clock is seen, which is right. */
  hearTime(): void
  /** Whether its ledger has opened a day. */
  hasOpened(): boolean
  /** Not once the process has stopped. */
  after(delayMs: number, action: () => void): void
  /** Resolves later, or never when the process stops before. */
  pause(delayMs: number): Promise<void>
  /** Searches for rights soon, and goes on while calls wait. */
  lookAround(delayMs: number): void
  /** As others hear it. */
  card(): Hint
  asked(request: GrantRequest): Promise<Answer>
  take(grants: readonly Uint8Array[]): Promise<void>
  /** @returns the newest of a day */
  tellSlots(): Promise<Uint8Array | undefined>
  /** What is left in each period that is open. */
  unspent(): ReadonlyMap<Period, bigint>
  /** Goes by the newest manifest from now on. @returns what its owner is to be told */
  acknowledge(): Promise<Uint8Array | undefined>
  /** That the disk knows of a request that leaves now. */
  checkSent(call: CallId): void
  /** Own grants, as they leave. */
  grantsTo(account: Account): readonly Uint8Array[]
  kill(): void
}

export interface ProcessTerms {
  readonly world: World
  readonly disk: Disk
  /** A file beside the ledger; undefined: none is kept. */
  readonly marker: Marker | undefined
  readonly signer: Signer
  readonly rules: Rules
  readonly manifest: () => OpenedManifest
  readonly clock: HouseClock
  /** No other clock is looked at. */
  readonly believesItsClock: boolean
  readonly randomBytes: (length: number) => Uint8Array
  /** Cards of those that can be heard. */
  readonly heard: () => readonly Hint[]
  readonly ask: (donor: Account, request: GrantRequest) => Promise<Answer | undefined>
  readonly onFrozen: (cause: unknown) => void
  readonly onFact: (fact: BudgetFact) => void
  /** A grant to this account was booked. */
  readonly onCredited: (grant: Uint8Array, amount: bigint) => void
}

const CARD_MS = 4_000
const FIRST_LOOK_MS = 2_000
const LAST_LOOK_MS = 60_000

export async function openProcess(terms: ProcessTerms): Promise<EscrowProcess> {
  const { world, disk, marker, signer, rules, manifest, clock, randomBytes } = terms
  const { nowMs } = clock
  const { clockwork, oracle } = world
  const room = guardState(disk.level).room('budget')
  let hints: Hints | undefined
  const ended = new AbortController()
  let heardMs = Number.NEGATIVE_INFINITY
  let card: { hint: Hint; atMs: number } | undefined
  let isCardOld = true
  let nextLookMs: number | undefined
  let lookMs = FIRST_LOOK_MS
  let seeking = false
  /** Slots that were told before. */
  const lookedAt = new WeakSet<Uint8Array>()
  const stops = createStops(clockwork)

  /** Gossip, as far as somebody needs it: a card is at most some seconds old. */
  function hear(): void {
    if (clockwork.nowMs - heardMs < CARD_MS / 4) return
    heardMs = clockwork.nowMs
    for (const hint of terms.heard()) hints?.hear(hint)
  }

  function observe(fact: BudgetFact): void {
    if (ended.signal.aborted) return
    if (fact.type === 'written') isCardOld = true
    if (fact.type === 'refused' && fact.lacks.length > 0) lookAround(50)
    stops.note(fact)
    terms.onFact(fact)
    if (fact.type === 'frozen') terms.onFrozen(fact.cause)
  }

  const budget = await openBudgetBy(rules, {
    ...{ room, signer, prices, verifies, manifest, now: nowMs, randomBytes, observe, ...(marker && { marker }) },
    reachable: (period) => {
      hear()
      return hints?.reachable(period) ?? 0n
    },
  })
  const own = budget.account
  stops.begin(budget.report())

  async function credit(grant: Uint8Array): ReturnType<Budget['credit']> {
    const crediting = await budget.credit(grant)
    if (crediting.status === 'credited') terms.onCredited(grant, crediting.amount)
    return crediting
  }

  const heardHints = createHints({ own, now: nowMs })
  hints = heardHints
  const place = disk.synced.has(`budget/i/${own.incarnation}/l/${'1'.padStart(16, '0')}`)
    ? `budget/i/${own.incarnation}/`
    : 'budget/'
  const hearTime = (): void => budget.witnessTime(terms.believesItsClock ? nowMs() : Math.floor(clockwork.nowMs))
  hearTime()

  function after(delayMs: number, action: () => void): void {
    clockwork.after(delayMs, () => {
      if (!ended.signal.aborted) action()
    })
  }

  function lookAround(delayMs: number): void {
    const atMs = clockwork.nowMs + delayMs
    if (nextLookMs !== undefined && nextLookMs <= atMs) return
    nextLookMs = atMs
    after(delayMs, () => {
      if (nextLookMs !== atMs) return
      nextLookMs = undefined
      seek().catch((cause: unknown) => {
        if (!(cause instanceof BudgetError)) throw cause // frozen meanwhile
      })
    })
  }

  async function seek(): Promise<void> {
    if (seeking) return
    seeking = true
    hear()
    let isWaiting = false
    const waiting: Budget['waiting'] = () => {
      const found = budget.waiting()
      isWaiting = found.calls.length > 0
      return found
    }
    try {
      await seekRights({
        budget: { waiting, requestTo: budget.requestTo, credit },
        hints: heardHints,
        ask: terms.ask,
        signal: ended.signal,
      })
    } finally {
      seeking = false
    }
    lookMs = isWaiting ? Math.min(2 * lookMs, LAST_LOOK_MS) : FIRST_LOOK_MS
    if (isWaiting) lookAround(lookMs)
  }

  function left(grants: readonly Uint8Array[]): readonly Uint8Array[] {
    for (const grant of grants) oracle.sighted(accountKey(own), readGrant(grant).seq, grant)
    return grants
  }

  return {
    budget,
    clock,
    hearTime,
    hasOpened: () => [...disk.synced.keys()].some((key) => key.startsWith(`${place}p/d:`)),
    after,
    lookAround,
    stops,
    get isAlive() {
      return !ended.signal.aborted
    },
    pause: (delayMs) => new Promise((resolve) => after(delayMs, resolve)),
    card() {
      const isOld = isCardOld && clockwork.nowMs - (card?.atMs ?? Number.NEGATIVE_INFINITY) >= CARD_MS
      if (card === undefined || isOld || clockwork.nowMs - card.atMs > 60_000) {
        card = { hint: { account: own, spare: budget.spare() }, atMs: clockwork.nowMs }
        isCardOld = false
      }
      return card.hint
    },
    async asked(request) {
      const granting = await budget.grant(request)
      if (granting.status === 'granted') left(granting.grants)
      return { granting, spare: budget.spare() }
    },
    async take(grants) {
      for (const grant of grants) await credit(grant)
    },
    grantsTo: (account) => left(budget.grantsTo(account)),
    async acknowledge() {
      await budget.acknowledge()
      const ack = budget.ack()
      if (ack !== undefined) oracle.sighted(accountKey(own), openAck(ack, manifest().mesh, verifies).seq, ack)
      return ack
    },
    async tellSlots() {
      const slots = await budget.slots()
      for (const { period, bytes } of slots) {
        if (lookedAt.has(bytes)) continue
        lookedAt.add(bytes)
        oracle.sighted(accountKey(own), openSlot(bytes, manifest().mesh, verifies).seq, bytes)
        if (disk.synced.get(`${place}s/${period}`) !== bytes) oracle.note('told-too-early', `the slot of ${period}`)
      }
      return slots.findLast(({ period }) => period.startsWith('d:'))?.bytes
    },
    unspent() {
      const open = budget.report().periods.filter(({ period }) => disk.synced.has(`${place}p/${period}`))
      return new Map(open.map(({ period, available }) => [period, available]))
    },
    checkSent(call) {
      if (!disk.synced.has(`${place}o/${call}`)) oracle.note('told-too-early', `call ${call.slice(0, 12)} was sent`)
    },
    kill: () => ended.abort(),
  }
}
