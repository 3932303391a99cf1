import { type Account, accountKey, type PeerId } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import type { BudgetFact } from '../facts.ts'
import { readRecord, readRecordHash } from './chain.ts'
import { beginFirst, type EndOfLedger, type FormerLedger, readLedgers, renewLedger } from './ledgers.ts'
import { type Mark, type Marker, reaches } from './marker.ts'
import { readStanding, type Standing } from './standing.ts'

export interface LedgerPlace {
  readonly room: Room
  readonly peer: PeerId
  readonly marker?: Marker | undefined
  readonly now: () => number
  readonly randomBytes: (length: number) => Uint8Array
  readonly observe?: ((fact: BudgetFact) => void) | undefined
}

export interface OpenedLedger {
  /** Of this ledger alone. */
  readonly room: Room
  readonly account: Account
  readonly standing: Standing
  /** When it was begun. */
  readonly begunMs: number
  /** Oldest first. */
  readonly former: readonly FormerLedger[]
}

/**
 * Opens the ledger in use, and begins another one where that one may not go on: because it is older than its mark says, or
 * than what its account has signed. Whether an account that is in use twice goes on under another name is for a person to say.
 * @throws {BudgetError} LEDGER_BROKEN
 */
export async function openLedger(place: LedgerPlace): Promise<OpenedLedger> {
  const { room, peer, marker, observe } = place
  const mark = await ownMark(marker, peer)
  const { incarnation } = await readLedgers(room)
  if (incarnation === undefined) {
    const lost = mark?.account
    const own = await beginFirst(room, place, lost?.incarnation)
    if (lost !== undefined) observe?.(begun('lost', { peer, incarnation: own }, lost))
    return readOpened(place)
  }
  const opened = await readOpened(place)
  const why = await endOf(opened, mark)
  if (why !== undefined) {
    await renewLedger(room, why, place)
    const next = await readOpened(place)
    observe?.(begun(why, next.account, opened.account))
    return next
  }
  const wasOpened = opened.standing.meta.boot.counter > 0
  if (marker !== undefined && mark === undefined && wasOpened) observe?.({ type: 'mark-missing' })
  return opened
}

/** A mark of another key tells nothing of this machine's accounts. */
async function ownMark(marker: Marker | undefined, peer: PeerId): Promise<Mark | undefined> {
  const mark = await marker?.read()
  return mark?.account.peer === peer ? mark : undefined
}

async function readOpened({ room: whole, peer }: LedgerPlace): Promise<OpenedLedger> {
  const { room, incarnation, former } = await readLedgers(whole)
  if (incarnation === undefined) throw new RangeError('the ledger was not begun')
  const { atMs: begunMs } = await readRecord(room, 1)
  return { room, account: { peer, incarnation }, begunMs, standing: await readStanding(room), former }
}

async function endOf(opened: OpenedLedger, mark: Mark | undefined): Promise<EndOfLedger | undefined> {
  const { room, account, standing, former } = opened
  if (standing.forked.has(accountKey(account))) return undefined
  if (standing.outrun) return 'outrun'
  // The mark of a former ledger was left when the one in use was begun and nothing was written since.
  if (mark === undefined || former.some(({ incarnation }) => incarnation === mark.account.incarnation)) return undefined
  if (mark.account.incarnation !== account.incarnation) return 'put-back'
  const { head, meta } = standing
  const state = { head, signedSeq: meta.signedSeq, hashOf: (seq: number) => readRecordHash(room, seq) }
  return (await reaches(state, mark)) ? undefined : 'put-back'
}

function begun(why: EndOfLedger, account: Account, before: Account): BudgetFact {
  return { type: 'ledger-begun', account, before, why }
}
