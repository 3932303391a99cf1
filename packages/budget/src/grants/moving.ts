import { type Account, accountKey, type Grant, type MeshId, type Signer, type Verify } from '@bzzz/protocols'
import { transferOf } from '../books/transfers.ts'
import type { Terms } from '../calls/terms.ts'
import type { BudgetFact } from '../facts.ts'
import type { Standing } from '../ledger/standing.ts'
import { NO_USD } from '../usd.ts'
import type { Writer } from '../writer.ts'
import { type Rate, rateAfter, rateAt, targetHolding } from './amounts.ts'
import { createDoor } from './door.ts'
import { type ForkNoted, noteFork } from './forks.ts'
import { giveTask } from './give.ts'
import { type Wanted, wantedBy } from './needs.ts'
import { type Crediting, type Granting, type GrantRequest, MAX_NEEDS, type Need, type Rights } from './request.ts'
import type { Heeding } from './sight.ts'
import { availableTo, balanceOf, grantsTo, mostOf, reachableTo, runningPeriods, spareOf } from './standing-rights.ts'
import { type CreditRules, readIncoming, takeTask } from './take.ts'
import type { AmountIn } from './waiters.ts'
import type { WaitingCall, WaitingRoom } from './waiting-room.ts'

/** Rights that move between accounts: what the node asks for, gives and takes. */
export interface Moving {
  /** Of a request whose sender was proven to be `request.to.account.peer`. Synced before it resolves. */
  grant(request: GrantRequest): Promise<Granting>
  /** A grant that came in, from wherever; synced before it resolves. Refused: nothing has changed. */
  credit(grant: Uint8Array): Promise<Crediting>
  /** A proof against an account, from wherever; synced before it resolves. */
  noteFork(proof: Uint8Array): Promise<ForkNoted>
  /**
   * What calls wait for, and what to ask for; no needs when nobody is known to have any of it. Also looks whether a call fits
   * by now, so it is to be asked every few seconds while calls wait: a new day, and hints of others, come without a write.
   */
  waiting(): Waiting
  /** What to ask this donor for now; undefined when nothing lacks. */
  requestTo(donor: Account): GrantRequest | undefined
  /** @param listener told when a call begins to wait, or waits on for something else. @returns how to stop */
  onWaiting(listener: () => void): () => void
  /** What others may ask for, by period; a hint, and out of date at once. */
  spare(): readonly Rights[]
  /** Own grants to an account in what is running, sealed, to be sent again. */
  grantsTo(account: Account): readonly Uint8Array[]
  /** Against accounts that are in use twice, to be told again. */
  forkProofs(): readonly Uint8Array[]
}

export interface Waiting {
  /** Oldest first; those that are not hopeful wait for rights that nobody is known to have. */
  readonly calls: ReadonlyArray<WaitingCall & { readonly hopeful: boolean }>
  readonly needs: readonly Need[]
}

export interface MovingOptions {
  readonly mesh: MeshId
  readonly account: Account
  readonly signer: Signer
  readonly verifies: Verify | undefined
  readonly rules: CreditRules
  readonly standing: Standing
  readonly terms: (nowMs: number) => Terms
  readonly writer: Pick<Writer, 'submit'>
  readonly room: WaitingRoom
  readonly reachable: AmountIn
  readonly watching: Heeding
  readonly now: () => number
  readonly observe: (fact: BudgetFact) => void
}

/** @returns also what keeps the rate of spending */
export function createMoving(options: MovingOptions): Moving & { noteSpending(amount: bigint): void } {
  const { mesh, account, signer, verifies, rules, standing, terms, writer, room, reachable, watching, now, observe } =
    options
  const taking = { mesh, verifies, rules, terms, boot: () => standing.meta.boot }
  const door = createDoor()
  let rate: Rate = { perMs: 0, atMs: now() }
  const rateOf = (nowMs: number): number => rateAt(rate, nowMs)
  const giving = { mesh, account, signer, standing, terms, kept: room.keptFor, rate: rateOf }

  async function grant(request: GrantRequest): Promise<Granting> {
    const granting: Granting = door.lets(request.to.account, now())
      ? await writer.submit(giveTask(request, giving))
      : { status: 'refused', code: 'too-often', reason: 'asks more often than a node has reason to; a little later' }
    if (granting.status === 'refused') {
      const { code, reason } = granting
      observe({ type: 'grant-refused', to: request.to.account, code, reason })
    }
    return granting
  }

  async function credit(bytes: Uint8Array): Promise<Crediting> {
    const read = readIncoming(bytes, mesh, verifies)
    const crediting = 'status' in read ? read : await creditOpened(bytes, read)
    if (crediting.status === 'refused') {
      observe({ type: 'credit-refused', code: crediting.code, reason: crediting.reason })
    }
    return crediting
  }

  async function creditOpened(bytes: Uint8Array, grant: Grant): Promise<Crediting> {
    const { from, seq, boot } = grant
    await watching.heed({ account: from, number: seq, boot, thing: { kind: 'grant', bytes: Uint8Array.from(bytes) } })
    return writer.submit(takeTask(bytes, grant, taking))
  }

  function wanted(): Wanted {
    const nowMs = now()
    const at = { terms: terms(nowMs), standing }
    const running = runningPeriods(at).map((period) => {
      const most = mostOf(at, balanceOf(at, period))
      return [period, { most, holding: targetHolding(rateOf(nowMs), most) }] as const
    })
    const waiters = room.calls()
    const targets = new Map(running)
    return wantedBy({ waiters, available: availableTo(at), reachable: reachableTo(at, reachable), targets })
  }

  return {
    grant,
    credit,
    async noteFork(proof) {
      const read = noteFork(proof, taking)
      const noted = 'status' in read ? read : await writer.submit(read)
      if (noted.status === 'refused') observe({ type: 'fork-refused', code: noted.code, reason: noted.reason })
      return noted
    },
    waiting() {
      room.wake()
      const { hopeful, needs } = wanted()
      const helped = new Set(hopeful.map(({ call }) => call))
      return { calls: room.calls().map((call) => ({ ...call, hopeful: helped.has(call.call) })), needs }
    },
    requestTo(donor) {
      const { oldest, needs } = wanted()
      if (needs.length === 0) return undefined
      const nowMs = now()
      const at = { terms: terms(nowMs), standing }
      const { boot } = standing.meta
      const asked = askable(needs).map((need) => {
        const { taken } = balanceOf(at, need.period).transfers
        return { ...need, credited: transferOf(taken, donor, boot)?.cumulative ?? NO_USD }
      })
      const perSecond = Math.min(Number.MAX_SAFE_INTEGER, Math.round(rateOf(nowMs) * 1_000))
      return { to: { account, boot }, sinceMs: oldest?.sinceMs ?? nowMs, perSecond, needs: asked }
    },
    onWaiting: room.onWaiting,
    spare: () => spareOf({ terms: terms(now()), standing }),
    grantsTo: (to) => (accountKey(to) === accountKey(account) ? [] : grantsTo({ terms: terms(now()), standing }, to)),
    forkProofs: () => [...standing.forked.values()].map(({ proof }) => proof),
    noteSpending: (amount) => {
      rate = rateAfter(rate, amount, now())
    },
  }
}

/** Of calls in many threads, what the oldest lacks first: a request has its bound. */
function askable(needs: readonly Need[]): readonly Need[] {
  return needs.length <= MAX_NEEDS ? needs : needs.toSorted((a, b) => urgency(b) - urgency(a)).slice(0, MAX_NEEDS)
}

function urgency({ least }: Need): number {
  return least > 0n ? 1 : 0
}
