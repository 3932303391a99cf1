import type { CallId, Period, TurnId } from '@bzzz/protocols'
import type { Room } from '@bzzz/store'
import type { CostRow } from '../books/costs.ts'
import type { CallState } from '../calls/call.ts'
import type { FormerLedger } from './ledgers.ts'
import { readCall, readCostsOfDay, readNames, readTurn } from './read.ts'

/** All that a machine's ledgers tell, former ones first: what was paid for under another account was paid for all the same. */
export interface AllLedgers {
  readonly room: Room
  readonly former: readonly FormerLedger[]
}

export async function readCallIn(ledgers: AllLedgers, id: CallId): Promise<CallState | undefined> {
  const own = await readCall(ledgers.room, id)
  if (own !== undefined) return own
  for (const room of formerRooms(ledgers)) {
    const call = await readCall(room, id)
    if (call !== undefined) return asLeft(call)
  }
  return undefined
}

export async function readNamesIn(ledgers: AllLedgers, prefix: string, limit: number): Promise<CallId[]> {
  const rooms = [ledgers.room, ...formerRooms(ledgers)]
  const names = await Promise.all(rooms.map((room) => readNames(room, prefix, limit)))
  return [...new Set(names.flat())].toSorted().slice(0, limit)
}

/** Ascending (step, attempt). */
export async function readTurnIn(ledgers: AllLedgers, turn: TurnId, step?: number): Promise<readonly CallState[]> {
  const own = await readTurn(ledgers.room, turn, step)
  const rooms = formerRooms(ledgers)
  if (rooms.length === 0) return own
  const before = await Promise.all(rooms.map((room) => readTurn(room, turn, step)))
  return [...before.flat().map(asLeft), ...own].toSorted((a, b) => a.step - b.step || a.attempt - b.attempt)
}

export async function readCostsIn(ledgers: AllLedgers, day: Period): Promise<CostRow[]> {
  const rooms = [...formerRooms(ledgers), ledgers.room]
  return (await Promise.all(rooms.map((room) => readCostsOfDay(room, day)))).flat()
}

function formerRooms({ former }: AllLedgers): Room[] {
  return former.flatMap(({ room }) => room ?? [])
}

/** Nobody will write any more what became of it. */
function asLeft(call: CallState): CallState {
  return call.state === 'reserved' || call.state === 'sent' ? { ...call, state: 'uncertain' } : call
}
