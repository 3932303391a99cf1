import type { Rules, SigningRules } from '@bzzz/budget'
import { accountKey, type Manifest } from '@bzzz/protocols'

import type { Weather } from './weather.ts'

/** What stands in the place of the shipped rules. */
export interface Mutant {
  readonly what: string
  /** Where it is most likely to show. */
  readonly weather?: Weather
  readonly rules?: Partial<Rules>
  /** Of the mesh's owner. */
  readonly signing?: Partial<SigningRules>
  /** After a lost disk the old account is taken up again, with nothing charged to it. */
  readonly sameAccountAgain?: true
  /** A ledger that is older than what was told to others is gone on with. */
  readonly trustsOldLedgers?: true
  /** What others signed is not looked at. */
  readonly looksAtNothing?: true
  /** Its own clock is taken for another one that agrees. */
  readonly believesItsClock?: true
  /** A call that was released because it hesitated too long is sent all the same. */
  readonly sendsReleased?: true
}

const mutants: Readonly<Record<string, Mutant>> = {
  reinit: { what: 'initial rights again after a lost disk', sameAccountAgain: true },
  rollback: { weather: 'rough', what: 'an older ledger that is put back is gone on with', trustsOldLedgers: true },
  refundUncertain: {
    weather: 'restarts',
    what: 'a call of which nobody knows whether it was billed is given back',
    rules: {
      lost: ({ id, state }, reason) => {
        if (state === 'reserved') return { kind: 'released', call: id, reason }
        const nothing = { amount: 0n as never, usage: null, reply: null, providerRequestId: null }
        return { kind: 'settled', call: id, evidence: 'operator', ...nothing }
      },
    },
  },
  creditTwice: {
    what: 'a grant adds all that it tells, not what is new in it',
    rules: { amountOf: (cumulative) => cumulative },
  },
  bootBlind: {
    what: 'a grant counts for whichever opening of the ledger is there',
    rules: { bootOf: (_, current) => current },
  },
  noGuard: {
    weather: 'midnight',
    what: 'a call is charged to the day of its own clock alone',
    rules: { guardMs: () => 0 },
  },
  staleLabel: {
    weather: 'midnight',
    what: 'a call is charged to the day in which it began to wait',
    rules: { chargedAt: (askedMs) => askedMs },
  },
  earlySlot: {
    what: 'a slot is published before it is written',
    rules: { toldAfter: (synced, records) => (records.length === 0 ? unwaited(synced) : synced) },
  },
  earlySend: {
    what: 'a request is sent before its hold is written',
    rules: {
      toldAfter: (synced, records) =>
        records.some(({ event }) => event.kind === 'reserved') ? unwaited(synced) : synced,
    },
  },
  sendAfterRelease: { what: 'a call that was released is sent all the same', sendsReleased: true },
  noAck: {
    weather: 'changes',
    what: 'an increase is signed before the decrease was acknowledged',
    signing: { mayOpenWith: (told, since) => told ?? since.at(-1) ?? 0n },
  },
  latestShare: {
    weather: 'changes',
    what: 'each node works its share out from the newest manifest that it has',
    rules: {
      opensBy: (_, newest) => ({ ...newest, allotments: newest.limits.flatMap((limit) => sharesOf(newest, limit)) }),
    },
  },
  mintForgotten: {
    weather: 'changes',
    what: 'only mints that the newest version lists are counted, and it lists none of those before',
    signing: { mintsCounted: (ofVersions) => ofVersions.at(-1) ?? [], mintsListed: () => [] },
  },
  clockBlind: { weather: 'clocks', what: 'a clock that jumped is gone by at once', believesItsClock: true },
  sightBlind: {
    weather: 'twins',
    what: 'what accounts are seen to sign is not looked at',
    looksAtNothing: true,
  },
  forkBlind: {
    weather: 'twins',
    what: 'an account that is proven to be in use twice goes on',
    rules: { decidedFrom: (draft) => ({ ...draft, forked: new Map(), outrun: false }) },
  },
  thawed: {
    weather: 'overruns',
    what: 'a model that was billed above a bound is called again',
    rules: { decidedFrom: (draft) => ({ ...draft, overruns: new Map() }) },
  },
  noHold: {
    weather: 'restarts',
    what: 'calls of one write do not see what the others hold',
    rules: {
      decidedFrom: (draft, { periods }) => {
        const synced = [...periods].map(([period, { balance }]) => [period, balance] as const)
        return { ...draft, balances: new Map([...draft.balances, ...synced]) }
      },
    },
  },
}

/** @throws {RangeError} */
export function mutantNamed(name: string | null): Mutant {
  if (name === null) return { what: 'the shipped rules' }
  const mutant = mutants[name]
  if (mutant === undefined) throw new RangeError(`there is no mutant "${name}"; known are ${mutantNames().join(', ')}`)
  return mutant
}

export function mutantNames(): string[] {
  return Object.keys(mutants)
}

function sharesOf({ weights }: Manifest, { dim, from, amount }: Manifest['limits'][number]): Manifest['allotments'] {
  const sum = weights.reduce((total, { weight }) => total + weight, 0)
  const named = new Map(weights.map((entry) => [accountKey(entry.account), entry]))
  return [...named.values()].map(({ account, weight }) => {
    return { account, dim, from, amount: ((amount * BigInt(weight)) / BigInt(sum)) as typeof amount }
  })
}

/** The process that did not wait is gone when this fails. */
function unwaited(synced: Promise<void>): Promise<void> {
  void synced.catch(() => undefined)
  return Promise.resolve()
}
