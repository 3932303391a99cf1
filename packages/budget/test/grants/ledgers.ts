import {
  type Account,
  accountKey,
  decodeLedgerRecord,
  type Grant,
  type LedgerEvent,
  type Period,
  readGrant,
} from '@bzzz/protocols'

/** What one ledger's records say about rights, counted here anew and by nothing of the budget's own. */
export interface Told {
  readonly account: Account
  readonly initial: ReadonlyMap<Period, bigint>
  readonly moved: readonly { readonly kind: 'granted' | 'credited'; readonly amount: bigint; readonly grant: Grant }[]
}

export function toldBy(account: Account, synced: ReadonlyMap<string, Uint8Array>): Told {
  const initial = new Map<Period, bigint>()
  const moved: { kind: 'granted' | 'credited'; amount: bigint; grant: Grant }[] = []
  for (const event of eventsIn(synced)) {
    if (event.kind === 'opened') initial.set(event.period, event.initial)
    if (event.kind === 'granted' || event.kind === 'credited') {
      moved.push({ kind: event.kind, amount: event.amount, grant: grantOf(event.grant) })
    }
  }
  return { account, initial, moved }
}

/** A record never changes, and every look at a ledger reads all of them. */
const known = new WeakMap<Uint8Array, LedgerEvent>()

function eventOf(bytes: Uint8Array): LedgerEvent {
  const event = known.get(bytes) ?? decodeLedgerRecord(bytes).event
  known.set(bytes, event)
  return event
}

const grants = new WeakMap<Uint8Array, Grant>()

function grantOf(bytes: Uint8Array): Grant {
  const grant = grants.get(bytes) ?? readGrant(bytes)
  grants.set(bytes, grant)
  return grant
}

function eventsIn(synced: ReadonlyMap<string, Uint8Array>): LedgerEvent[] {
  const records = [...synced].filter(([key]) => /(^|\W)l\/\d+$/.test(key))
  return records.map(([, bytes]) => eventOf(bytes))
}

/** Sum of what one account's ledger says moved in a period, with one other or with all. */
export function movedIn({ moved }: Told, kind: 'granted' | 'credited', period: Period, other?: Account): bigint {
  const rows = moved.filter((row) => {
    const party = kind === 'granted' ? row.grant.to.account : row.grant.from
    return row.kind === kind && row.grant.period === period && (other === undefined || isSame(party, other))
  })
  return rows.reduce((sum, { amount }) => sum + amount, 0n)
}

export function isSame(a: Account, b: Account): boolean {
  return accountKey(a) === accountKey(b)
}
