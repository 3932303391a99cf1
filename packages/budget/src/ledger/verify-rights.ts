import {
  accountKey,
  encodeCanonical,
  equalBytes,
  type Incarnation,
  type LedgerEvent,
  type MeshId,
  openAck,
  openManifest,
  parsePeriod,
  readAck,
} from '@bzzz/protocols'
import type { Books } from '../books/books.ts'
import { BudgetError } from '../errors.ts'
import { stillRunning } from '../manifest/acknowledge.ts'
import { initialOf, mintsOf } from '../periods/rights.ts'

type EventOf<Kind extends LedgerEvent['kind']> = Extract<LedgerEvent, { kind: Kind }>

/**
 * That the owner was told, of the version that he signed, every period that was opened by then and with how much.
 * @param books before it @param mesh without it, signatures are not checked
 * @throws {BudgetError} LEDGER_BROKEN @throws {ProtocolError}
 */
export function checkAcked(
  { seq, atMs, event }: { seq: number; atMs: number; event: EventOf<'acked'> },
  books: Books,
  { incarnation, mesh }: { incarnation: Incarnation | null; mesh: MeshId | undefined },
): void {
  const ack = mesh === undefined ? readAck(event.ack) : openAck(event.ack, mesh)
  if (mesh !== undefined) openManifest(event.manifest, mesh)
  const before = books.acked?.account
  const isOwn =
    ack.account.incarnation === incarnation && (before === undefined || accountKey(before) === accountKey(ack.account))
  if (!isOwn) throw broken(seq, 'holds the ack of another account')
  if (!equalBytes(encodeCanonical(ack.opened), encodeCanonical(stillRunning(books, atMs)))) {
    throw broken(seq, 'tells other rights than those with which periods were opened')
  }
}

/** That a day or month was opened with what the version gives that was acknowledged last; nothing before any was. */
export function checkOpened(
  seq: number,
  { period, initial, manifestVersion }: EventOf<'opened'>,
  { acked }: Books,
): void {
  if (!['day', 'month'].includes(parsePeriod(period)?.kind ?? '')) return
  const given = acked === undefined ? 0n : initialOf(acked.manifest, acked.account, period)
  if (manifestVersion !== (acked?.version ?? 0) || initial !== given) {
    throw broken(seq, `opens ${period} with other rights than version ${acked?.version ?? 0} gives`)
  }
}

export function checkMinted(seq: number, { period, id, amount }: EventOf<'minted'>, { acked }: Books): void {
  const due = acked === undefined ? [] : mintsOf(acked.manifest, acked.account, period)
  if (!due.some((mint) => mint.id === id && mint.amount === amount)) throw broken(seq, `books a mint that is not there`)
}

function broken(seq: number, words: string): BudgetError {
  return new BudgetError('LEDGER_BROKEN', `record ${seq} ${words}`)
}
